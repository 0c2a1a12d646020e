"""Runs other programs: their output is shown only when they fail."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

Args = Sequence[str | Path]


def run(
    args: Args,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a program, give each line of its output to `on_line`, return the last 400 lines.

    A failure carries the end of the output: that is where compilers and package managers say why.
    """
    tail: deque[str] = deque(maxlen=400)
    with subprocess.Popen(
        [str(a) for a in args],
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for raw in process.stdout:
                line = raw.rstrip("\n")
                tail.append(line)
                if on_line is not None:
                    on_line(line)
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code != 0:
        shown = "\n".join(f"    {line}" for line in list(tail)[-40:])
        raise LabError(f"`{' '.join(str(a) for a in args)}` ended with {code}:\n{shown}")
    return "\n".join(tail)


def output(args: Args, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it printed on its standard output, stripped."""
    done = subprocess.run(
        [str(a) for a in args],
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        command = " ".join(str(a) for a in args)
        raise LabError(f"`{command}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()
