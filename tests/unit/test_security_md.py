"""SECURITY.md against what it speaks of: commands, values, files and what is known not to hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from lab.paths import REPO
from tests.escapes import known
from tools import suite

TEXT = (REPO / "SECURITY.md").read_text()
CODE = re.findall(r"`([^`\n]+)`", TEXT)
VALUES: dict[str, Any] = yaml.safe_load((REPO / "charts/virtualcluster/values.yaml").read_text())
COMMANDS = [each for each in CODE if each.startswith("scripts/")]
PATHS = [each for each in CODE if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", each)]
LINKS = [each.partition("#")[0] for each in re.findall(r"\]\(([^)]+)\)", TEXT)]


def values(code: str) -> Iterator[str]:
    """Yield the key that a piece of code names, if it begins like one of the chart's."""
    found = re.match(r"(\w+(?:\.[\w*]+)+)", code)
    if found and found[1].partition(".")[0] in VALUES:
        yield found[1]


@pytest.mark.parametrize("case", sorted(known.reasons()))
def test_whatever_is_known_not_to_hold_is_said(case: str) -> None:
    assert case in TEXT


def test_commands_are_there_and_have_the_parts() -> None:
    assert COMMANDS
    for each in COMMANDS:
        program, *words = each.split()
        assert (REPO / program).exists()
        if program == "scripts/test" and words and words[0] in suite.OWN:
            continue
        parts = suite.main.make_context(program, list(words)).params.get("parts", ())
        assert set(parts) <= {"unit", "chart", "e2e"}


@pytest.mark.parametrize("path", sorted({key for code in CODE for key in values(code)}))
def test_values_are_the_charts(path: str) -> None:
    found: Any = VALUES
    for part in path.split("."):
        assert part == "*" or part in found
        found = next(iter(found.values())) if part == "*" else found[part]


@pytest.mark.parametrize("path", sorted({*PATHS, *filter(None, LINKS)}))
def test_files_are_there(path: str) -> None:
    assert (REPO / path).exists() or path.startswith("pod-security.kubernetes.io/")


def test_it_speaks_of_values_and_files() -> None:
    """What stands above would hold for none as well."""
    assert len({key for code in CODE for key in values(code)}) > 10
    assert "docs/escapes.md" in LINKS
