"""What runs beside the tests ends with them, however they end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.suite import ROOT

# A shell that waits for another program, as `go build` does for its compilers.
COMMAND = ("sh", "-c", "sleep 600 & echo $!; wait")
PROGRAM = f"""
import sys, time
from pathlib import Path
from tools import suite

suite.end_tidily()
log = Path(sys.argv[1])
with suite.beside({COMMAND!r}, log):
    while not log.read_text().endswith("\\n"):
        time.sleep(0.01)
    print("runs", flush=True)
    if sys.argv[2] == "waits":
        sys.stdin.read()
"""


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Callable[[float], bool]]:
    """Yield what waits for seconds and tells whether the process has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield lambda _seconds: True
        return
    try:
        yield lambda seconds: bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    ("how", "sent", "code"),
    [("ends", None, 0), ("waits", signal.SIGTERM, 143)],
    ids=["it ends by itself", "it is ended"],
)
def test_nothing_stays(tmp_path: Path, how: str, sent: signal.Signals | None, code: int) -> None:
    log = tmp_path / "log"
    argv = [sys.executable, "-c", PROGRAM, str(log), how]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "runs\n"
        sleeper = int(log.read_text())
        with watched(sleeper) as ended:
            if sent is not None:
                assert not ended(0.0)
                program.send_signal(sent)
            assert program.wait() == code
            assert ended(30.0)
