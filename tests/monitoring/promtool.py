"""Runs promtool, which is on PATH as `scripts/test` sees to it."""

from __future__ import annotations

import subprocess


def promtool(*args: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run it; what it says is in `stdout`, complaints too."""
    return subprocess.run(
        ["promtool", *(str(arg) for arg in args)],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,  # this much only on a machine that does ten other things
    )
