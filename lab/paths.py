"""Where things are: the repository, what is built once per machine, what belongs to one lab."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LAB_SOURCE = REPO / "lab"

# Labs are known by name on the whole machine, whoever's clone started them.
STATE_ROOT = Path("/var/lib/virtualcluster-lab")
ENGINE = ".docker"
"""The directory in there of the Docker Engine: no lab can have this name."""


def cache_dir() -> Path:
    """Return the directory of what was built or downloaded; a second clone finds it too."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "virtualcluster"
    path.mkdir(parents=True, exist_ok=True)
    return path
