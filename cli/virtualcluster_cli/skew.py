"""Kubernetes' rule that kubectl may be one minor version older or newer than its API server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import click

SKEW = 1


def warn(program: str, server: str) -> None:
    """Say on standard error when a program is a kubectl too old or too new for a server."""
    if Path(program).name != "kubectl":
        return
    said = message(_version(program), server)
    if said:
        click.secho(f"warning: {said}", fg="yellow", err=True)


def message(kubectl: str, server: str) -> str:
    """Return what to say about two versions like 1.34.4; nothing when they go together."""
    ours, theirs = _minor(kubectl), _minor(server)
    if ours is None or theirs is None or abs(ours - theirs) <= SKEW:
        return ""
    age = "old" if ours < theirs else "new"
    return (
        f"this kubectl (1.{ours}) is too {age} for Kubernetes 1.{theirs}: some commands may fail;"
        f" install one of 1.{theirs - SKEW} to 1.{theirs + SKEW}"
    )


def _version(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "version", "--client", "-o", "json"],
            capture_output=True,
            timeout=5.0,
            check=False,
        )
        return str(json.loads(done.stdout)["clientVersion"]["gitVersion"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        return ""


def _minor(version: str) -> int | None:
    found = re.match(r"v?1\.(\d+)", version)
    return int(found[1]) if found else None
