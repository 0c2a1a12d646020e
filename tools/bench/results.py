"""What a run found, as a file that later runs can be held against."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.paths import REPO
from tools.bench.burst import Burst
from tools.bench.errors import BenchError
from tools.bench.rows import Row

FORMAT = 1
DIRECTORY = REPO / "build" / "bench"


@dataclass
class Results:
    """Rows for people, samples for plots, and what went wrong."""

    about: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def sample(self, scenario: str, nodes: str, repeat: int, burst: Burst) -> None:
        """Keep what a burst showed."""
        self.samples.append(
            {
                "scenario": scenario,
                "nodes": nodes,
                "count": burst.count,
                "side": burst.side,
                "repeat": repeat,
                "lost": burst.lost,
                "latencies": _rounded(burst.latencies),
                "rate": round(burst.rate, 2) if burst.latencies else 0.0,
                "gone_after": round(burst.gone_after, 3),
                "stages": {name: _rounded(each) for name, each in burst.stages.items()},
            }
        )

    def write(self, file: Path) -> None:
        """Write the file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "about": self.about,
            "rows": [row.as_dict() for row in self.rows],
            "samples": self.samples,
            "failures": self.failures,
        }
        file.write_text(json.dumps(content, indent=1) + "\n")


def read(file: Path) -> Results:
    """Read what an earlier run has written."""
    content = json.loads(file.read_text())
    if content.get("format") != FORMAT:
        raise BenchError(f"{file} is not a result of this version of scripts/bench")
    rows = [Row(**row) for row in content["rows"]]
    return Results(content["about"], rows, content["samples"], content["failures"])


def by_key(rows: Sequence[Row]) -> Mapping[str, Row]:
    """Return the rows by what they are compared by."""
    return {row.key: row for row in rows}


def about(**more: Any) -> dict[str, Any]:
    """Return what a figure means nothing without: the commit, the machine and its load."""
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": _git("rev-parse", "--short", "HEAD") or "unknown",
        "changed": bool(_git("status", "--porcelain")),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "load": load(),
        **more,
    }


def load() -> list[float]:
    """Return how busy the machine was in the last 1, 5 and 15 minutes."""
    return [round(each, 1) for each in os.getloadavg()]


def headline(about: Mapping[str, Any]) -> str:
    """Return what stands above a table."""
    changed = " and uncommitted changes" if about.get("changed") else ""
    parts = (
        f"{about['began']}, commit {about['commit']}{changed}",
        f"host {about.get('host', '?')}",
        f"k3s: {about.get('k3s', 'stand-in')}",
        f"{about['cores']} cores, load {about['load'][0]} before, {about['load after'][0]} after",
    )
    return "; ".join(parts)


def _git(*args: str) -> str:
    command = ["git", "-C", str(REPO), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(each, 4) for each in values]
