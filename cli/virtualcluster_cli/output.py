"""What is printed: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {
    "Ready": "green",
    "Running": "green",
    "Bound": "green",
    "ok": "green",
    "Paused": "yellow",
    "Starting": "yellow",
    "Pending": "yellow",
    "refused": "red",
    "Failed": "red",
}


def console(*, err: bool = False) -> Console:
    """Return where to print; what is not a terminal gets lines as long as they are."""
    made = Console(stderr=err, highlight=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = 10_000
    return made


def show(form: str, data: Any) -> bool:
    """Print data as JSON or YAML if that is the form; tell whether it was."""
    if form == "json":
        click.echo(json.dumps(data, indent=2))
    elif form == "yaml":
        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
    return form in ("json", "yaml")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as kubectl does."""
    made = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 3, 0, 0))
    for heading in headings:
        # Cut nowhere: what is shown is copied into other commands.
        made.add_column(heading.upper(), overflow="fold", header_style="bold")
    for row in rows:
        made.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    console().print(made)


def section(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table under a title; nothing when it has no rows."""
    if rows:
        click.echo()
        click.secho(title, bold=True)
        table(headings, rows)


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values; those without a value are left out."""
    width = max((len(name) for name, value in pairs if value), default=0)
    for name, value in pairs:
        if value:
            label = click.style(f"{name}:".ljust(width + 1), bold=True)
            click.echo(f"{label} {value}")


def age(stamp: str) -> str:
    """Return how long ago a Kubernetes timestamp was, in kubectl's way."""
    if not stamp:
        return ""
    seconds = int(time.time() - parse(stamp).timestamp())
    return span(max(seconds, 0))


def span(seconds: int) -> str:
    """Return a duration in its largest unit, or two where one says too little."""
    if seconds < 120:  # noqa: PLR2004 (kubectl's own limits)
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 120:  # noqa: PLR2004
        return f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{days}d"  # noqa: PLR2004


def parse(stamp: str) -> datetime:
    """Return the moment that a Kubernetes timestamp names."""
    return datetime.fromisoformat(stamp).astimezone(UTC)
