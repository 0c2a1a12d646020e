"""A check of the test suite: what is passed on, what is kept, what counts."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.paths import REPO
from tools.suite import Check, run

HELM = "Tests:       2 passed, 2 total"


@pytest.mark.parametrize(
    ("script", "kind", "counted"),
    [
        ("exit 0", "one", (1, 0, 0)),
        ("exit 1", "one", (0, 1, 0)),
        ("exit 0", "ct", (1, 0, 0)),
        ("echo 'Skipping upgrade test of x'", "ct", (1, 0, 1)),
        ("echo 'Skipping upgrade test of x'; exit 1", "ct", (0, 1, 1)),
        (f"echo '{HELM}'", "helm", (2, 0, 0)),
        (f"echo '{HELM}'; exit 1", "helm", (2, 1, 0)),
        ("exit 0", "helm", (0, 1, 0)),
    ],
)
def test_counts(script: str, kind: str, counted: tuple[int, int, int]) -> None:
    done = run(Check("x", ("sh", "-c", script), kind))
    assert (done.passed, done.failed, done.skipped) == counted


@pytest.mark.parametrize(("code", "shown"), [(0, False), (1, True)])
def test_a_log_keeps_all_and_its_end_is_shown_after_a_failure(
    code: int,
    shown: bool,  # noqa: FBT001
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "log"
    run(Check("x", ("sh", "-c", f"seq -f 'line %g' 200; exit {code}"), log=log))
    assert log.read_text().splitlines() == [f"line {n}" for n in range(1, 201)]
    out = capsys.readouterr().out
    assert ("line 200" in out) == (str(log) in out) == shown
    assert "line 100\n" not in out


CHILD = "trap 'touch {0}; exit' TERM; echo $$; while :; do sleep .1; done"
SUITE = """
import signal, sys
from tools.suite import Check, run
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
run(Check("x", ("sh", "-c", sys.argv[1])))
"""


def test_a_check_ends_with_the_suite(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    command = [sys.executable, "-c", SUITE, CHILD.format(ended)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO) as suite:
        assert suite.stdout is not None
        assert any(line.strip().isdigit() for line in suite.stdout), "the child never began"
        suite.send_signal(signal.SIGTERM)
        assert suite.wait(timeout=30) == 143
    assert ended.exists()
