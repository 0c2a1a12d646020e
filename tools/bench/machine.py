"""Where a machine's CPU time goes while a lab is measured: on it, everything is one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
OTHERS, BENCH = "others", "bench"

Seconds = dict[str, float]
"""Program → CPU seconds since it started."""


def programs(lab: str, proc: Path = PROC, tick: float = 1 / os.sysconf("SC_CLK_TCK")) -> Seconds:
    """Return the CPU time of what runs now: `host …` are a lab's daemons, `pod …` run in its pods.

    What has ended meanwhile is missed; what costs much lives long.
    """
    found: Seconds = {}
    for directory in proc.iterdir():
        if not directory.name.isdigit():
            continue
        try:
            ticks = _ticks((directory / "stat").read_text())
            name = _name(directory, f"/vclab-{lab}/")
        except OSError:
            continue  # it has ended meanwhile
        found[name] = found.get(name, 0.0) + ticks * tick
    return found


def between(before: Seconds, after: Seconds) -> dict[str, float]:
    """Return what was used in between, the most first."""
    used = {name: after[name] - before.get(name, 0.0) for name in after}
    return dict(sorted(((k, v) for k, v in used.items() if v > 0), key=lambda each: -each[1]))


def _ticks(stat: str) -> int:
    # The name in parentheses may hold anything; what follows the last one is plain.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _name(directory: Path, lab: str) -> str:
    if directory.name == str(os.getpid()):
        return BENCH
    cgroups = list(_cgroups((directory / "cgroup").read_text()))
    if not any(lab in path for path in cgroups):
        return OTHERS
    program = (directory / "comm").read_text().strip()
    if b"syncer" in (directory / "cmdline").read_bytes():
        program = "syncer"
    return f"{'host' if any('/daemons/' in path for path in cgroups) else 'pod'} {program}"


def _cgroups(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"{line.rpartition(':')[2]}/"
