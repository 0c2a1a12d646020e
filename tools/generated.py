"""Writes what is generated, or says where it would change; behind scripts/generate."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
Row = tuple[str, ...]
COLUMNS = 100
"""How wide the lines of generated pages are."""


def main(files: dict[Path, str], about: str | None) -> None:
    """Write the files; with `--check` write nothing, and fail where one would change."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = {path: text for path, text in files.items() if not _holds(path, text)}
    for path, text in stale.items():
        if check:
            print(f"{path.relative_to(ROOT)} is not what the sources say: run scripts/generate")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    sys.exit(1 if check and stale else 0)


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def code(words: Iterable[str]) -> str:
    """Return words as code, with commas between them."""
    return ", ".join(f"`{word}`" for word in words)


def fill(text: str, indent: str = "") -> str:
    """Return a paragraph of Markdown in lines, later ones with an indent; code is not broken."""
    whole = re.sub(r"`[^`]+`", lambda found: found[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        whole,
        COLUMNS,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\0", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
