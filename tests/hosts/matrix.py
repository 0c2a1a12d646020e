"""Prints the matrix of the CI workflow: every node image of kind, and a runner that can run it.

    python3 tests/hosts/matrix.py [LABEL]

LABEL is that of runners with cgroup v1, which kubelets before 1.19 need; without it those are left
out. Nothing beyond Python is needed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TABLE = Path(__file__).parents[2] / "lab" / "kind.json"
RUNNER = "ubuntu-24.04"


def matrix(v1_runner: str) -> dict[str, list[dict[str, str]]]:
    """Return one job for each node image."""
    runners = {"v1": v1_runner, "v2": RUNNER}
    rows = json.loads(TABLE.read_text())
    jobs = [
        {"minor": row["minor"], "kind": row["kind"], "runner": runners[row["cgroup"]]}
        for row in rows
    ]
    return {"include": [job for job in jobs if job["runner"]]}


if __name__ == "__main__":
    print(json.dumps(matrix("".join(sys.argv[1:]))))
