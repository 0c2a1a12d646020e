"""Runs the programs of requirements/audit.lock, which live in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.paths import REPO

PATIENCE = 300.0
VARIABLE = "VC_AUDIT"
"""Where the environment is; scripts/test says so."""


def ask(program: str, *args: str | Path, may_fail: bool = False) -> tuple[Any, str]:
    """Return what a program prints as JSON, and what it says beside; None if that is no JSON.

    Where it may not fail, that and an unexpected exit are errors.
    """
    home = os.environ.get(VARIABLE)
    if not home:
        raise LabError(f"{VARIABLE} is not set: run scripts/test audit")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [f"{home}/bin/{program}", *args],
        cwd=REPO,
        env={**clean, "PATH": f"{home}/bin{os.pathsep}{clean['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not may_fail and (done.returncode != 0 or answer is None):
        raise LabError(f"{program} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return answer, done.stderr.strip()
