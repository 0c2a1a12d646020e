"""One line for each thing that changed: JSON for programs, text for people."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(30)
ROOT = Path(__file__).parents[2]
SAYS = """
import sys, structlog
from syncer import log
log.configure("info", sys.argv[1])
logger = structlog.get_logger()
logger.debug("hidden")
logger.info("created", kind="pods", virt_name="web")
try:
    {}["absent"]
except KeyError:
    logger.exception("bug", kind="pods")
"""


def said(style: str, *, terminal: bool) -> str:
    """Return what a process of that style writes to its standard error."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-c", SAYS, style]
    with subprocess.Popen(command, stderr=theirs, env={"PYTHONPATH": str(ROOT)}) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # how a terminal says that nobody is at its other end
                break
            if not chunk:
                break
            text += chunk
    os.close(ours)
    assert process.returncode == 0, text
    return text.decode()


@pytest.mark.parametrize(
    ("style", "terminal", "json_lines", "colours"),
    [
        ("auto", False, True, False),
        ("auto", True, False, True),
        ("json", True, True, False),
        ("json", False, True, False),
        ("text", False, False, False),
        ("text", True, False, True),
    ],
)
def test_style_is_the_asked_one_or_suits_who_listens(
    style: str, *, terminal: bool, json_lines: bool, colours: bool
) -> None:
    text = said(style, terminal=terminal)
    assert "hidden" not in text
    assert "KeyError: 'absent'" in text
    assert ("\x1b[" in text) is colours
    if json_lines:
        created, bug = [json.loads(line) for line in text.splitlines()]
        assert (created["event"], created["kind"], created["level"]) == ("created", "pods", "info")
        assert "Traceback" in bug["exception"]
    else:
        first = text.splitlines()[0]
        assert "created" in first
        assert not first.startswith("{")
        assert "Traceback" in text
