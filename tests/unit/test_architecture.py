"""docs/architecture.md is a map that stays true: packages, purposes, and the files it names."""

from __future__ import annotations

import ast
import re

import pytest

from lab.paths import REPO

PAGE = (REPO / "docs" / "architecture.md").read_text()
ROWS = dict(re.findall(r"(?m)^\| `(syncer/[\w/]*)` \| (.+) \|$", PAGE))
QUESTIONS = re.findall(r"(?m)^\| (.+\?) \| `([^`]+)` \| .+ \|$", PAGE)
FILES = sorted(set(re.findall(r"`((?:syncer|charts|cli|tools|tests|scripts)/[\w./-]+)`", PAGE)))
WANTED = (
    "deleted",
    "renewed",
    "picked up",
    "resumed",
    "Service pass",
    "leads",
    "rights",
    "old",
    "added",
)


def packages() -> dict[str, str]:
    """Return the syncer's packages with the first line of their docstrings."""
    found = {}
    for init in (REPO / "syncer").rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(init.read_text())) or ""
        found[f"{init.parent.relative_to(REPO)}/"] = text.partition("\n")[0]
    return found


def test_it_lists_every_package_with_its_purpose() -> None:
    assert packages() == ROWS


def test_it_answers_the_nine_questions() -> None:
    assert len(QUESTIONS) == len(WANTED)
    for (question, _), word in zip(QUESTIONS, WANTED, strict=True):
        assert word in question


@pytest.mark.parametrize("file", [file for _, file in QUESTIONS])
def test_the_file_of_an_answer_is_there(file: str) -> None:
    assert (REPO / file).is_file()


@pytest.mark.parametrize("path", FILES)
def test_whatever_it_names_is_there(path: str) -> None:
    assert (REPO / path).exists()


def test_it_names_enough_to_be_a_map() -> None:
    assert len(FILES) > 30
