"""Documents can be read in a terminal and in a diff: no line above 120 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.paths import REPO

COLUMNS = 120
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "cli/*.md", "charts/*/*.md", "lab/**/*.md")
    for page in REPO.glob(pattern)
)
PAGES += sorted(REPO.glob("tests/*/README.md"))
README_LINES = 100
# A table row cannot be broken, nor can a link: a line that is one, with its list mark, may be long.
UNBREAKABLE = re.compile(r"\||\s*([-*] )?!?\[[^\]]*\]\([^)]*\)[.,;]?$|\s*\[!\[.*\)$")


def too_long(text: str) -> Iterator[int]:
    """Yield the numbers of lines that are too long, outside of tables, links and fenced blocks."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and len(line) > COLUMNS and not UNBREAKABLE.match(line):
            yield number


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_lines_fit(page: Path) -> None:
    assert list(too_long(page.read_text())) == []


def test_the_readme_is_short() -> None:
    assert len((REPO / "README.md").read_text().splitlines()) <= README_LINES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a " * 61, [1]),
        ("x\n- " + "a " * 60, [2]),
        ("| " + "a " * 61 + "|", []),
        ("```\n" + "a " * 61 + "\n```\n" + "a " * 61, [4]),
        (f"[{'a ' * 61}](page.md)", []),
        (f"see [{'a ' * 61}](page.md)", [1]),
    ],
)
def test_what_is_too_long_is_found(text: str, found: list[int]) -> None:
    assert list(too_long(text)) == found
