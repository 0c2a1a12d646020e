"""What scripts/bench takes."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.paths import REPO
from tools.bench.cli import chosen, main
from tools.bench.scenarios import SCENARIOS


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (",".join(SCENARIOS), list(SCENARIOS)),
        ("kwok", ["kwok"]),
        ("kwok, rest,", ["rest", "kwok"]),
    ],
)
def test_scenarios_run_in_their_own_order(given: str, wanted: list[str]) -> None:
    """Rest is measured before anything else has been, however it is asked for."""
    context, option = click.Context(main), main.params[0]
    assert chosen(context, option, given) == wanted


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scenarios", "kwok,pots"], "no scenario 'pots'"),
        (["--repeats", "0"], "--repeats"),
        (["--sizes", "50,many"], "not a list of numbers"),
        (["--compare", "/nowhere.json"], "does not exist"),
    ],
)
def test_mistakes_are_told_before_anything_is_built(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert says in result.output


def test_the_plots_have_a_lock_file_of_their_own() -> None:
    """Nobody but scripts/bench waits for what draws them, and no version is named twice."""
    dev, bench = (
        {line.partition("==")[0] for line in lock.read_text().splitlines() if "==" in line}
        for lock in (REPO / "requirements/dev.lock", REPO / "requirements/bench.lock")
    )
    assert {"matplotlib", "py-spy"} <= bench
    assert not dev & bench
    script: Path = REPO / "scripts" / "bench"
    assert "vc_python requirements/bench.lock" in script.read_text()
