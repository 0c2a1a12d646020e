"""Whatever a file of the repository refers to is in the repository: pages, rows, sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lab.paths import REPO

FOLDERS = (".github", "charts", "cli", "docs", "lab", "scripts", "syncer", "tests", "tools")
TEXT = {"", ".cfg", ".go", ".md", ".py", ".sh", ".toml", ".tpl", ".txt", ".yaml", ".yml"}
MADE = re.compile(r"(?:^|/)(?:build/.*|table|notes|page|TIME|NAME)\.md$|^/|^\.md$")
"""Results of runs and parts of patterns, which are no documents of the repository."""
PAGE = re.compile(r"(?<![\w./-])[\w./-]*\.md\b")
DECISION = re.compile(r"decisions?[/ ](\d{3})\b")
ROW = re.compile(r"threats(?:\.md)?[ \n]+(?:#\s*)?((?:[A-Z]\d*\b(?:, | and )?)+)")
SECTION = re.compile(r"k3s-contract(?:\.md)?[ \n]+§(\d+)")
OUTSIDE = re.compile(r"\bdesign(?:\.md)?,? ?§|shared/docs|\.\./shared|lab/README\.md §")
OURSELVES = Path(__file__)


def files() -> Iterator[Path]:
    """Yield the repository's own text files, without what is built or generated from others."""
    for each in [*REPO.glob("*.md"), *(each for f in FOLDERS for each in (REPO / f).rglob("*"))]:
        hidden = {"build", "node_modules", "__pycache__", "images"} & set(each.parts)
        if each.suffix in TEXT and each.is_file() and not hidden and each != OURSELVES:
            yield each


ALL = {str(each.relative_to(REPO)): each for each in files()}


@cache
def page(name: str) -> str:
    """Return a page of docs/."""
    return (REPO / "docs" / f"{name}.md").read_text()


@cache
def rows() -> frozenset[str]:
    """Return the rows and the sections of the threat list."""
    text = page("threats")
    return frozenset(
        re.findall(r"(?m)^\| ([A-R]\d+) \|", text) + re.findall(r"## ([A-R])\. ", text)
    )


def unknown_rows(text: str) -> list[str]:
    """Return the rows that a text names and the threat list does not have."""
    named = [row for found in ROW.findall(text) for row in re.findall(r"[A-Z]\d*", found)]
    return [row for row in named if row not in rows()]


def missing_pages(text: str, file: Path) -> list[str]:
    """Return the documents that a text names and that are not there, seen from `file`."""
    places = (REPO, REPO / "docs", REPO / "docs" / "reference", file.parent)
    return [
        name
        for name in PAGE.findall(text)
        if not MADE.search(name) and not any((place / name).is_file() for place in places)
    ]


@pytest.mark.parametrize("name", ALL)
def test_documents_are_in_the_repository(name: str) -> None:
    text = ALL[name].read_text()
    assert not OUTSIDE.findall(text)
    assert missing_pages(text, ALL[name]) == []
    for number in DECISION.findall(text):
        assert list((REPO / "docs" / "decisions").glob(f"{number}-*.md")), number


@pytest.mark.parametrize(
    "name", [name for name, each in ALL.items() if "threats" in each.read_text()]
)
def test_rows_are_those_of_the_threat_list(name: str) -> None:
    assert unknown_rows(ALL[name].read_text()) == []


@pytest.mark.parametrize(
    "name", [name for name, each in ALL.items() if SECTION.search(each.read_text())]
)
def test_sections_are_those_of_the_k3s_contract(name: str) -> None:
    there = re.findall(r"(?m)^## (\d+)\b", page("k3s-contract"))
    assert set(SECTION.findall(ALL[name].read_text())) <= set(there)


def test_what_there_is_not_is_found() -> None:
    assert unknown_rows("why (threats A1, Z9 and B99)") == ["Z9", "B99"]
    assert unknown_rows("of late\n(threats\nA13)") == ["A13"]
    assert missing_pages("see docs/nothing.md, README.md", OURSELVES) == ["docs/nothing.md"]
    assert OUTSIDE.search("it says so (design §4)")
    assert SECTION.findall("as k3s-contract.md §5 says") == ["5"]
    assert {"A1", "K", "R30"} <= rows()
    assert len(ALL) > 300
