"""Decisions have one form, so that what was decided is found at a glance."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.paths import REPO

DECISIONS = sorted((REPO / "docs" / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_a_number_and_three_parts(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.name[:3]} ")
    assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Decision", "Consequences"]


def test_numbers_have_no_gap() -> None:
    numbers = [int(page.name[:3]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 10
