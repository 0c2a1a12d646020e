"""Versions, as servers say them."""

from __future__ import annotations

import re
from importlib import metadata


def own() -> str:
    """Return the syncer's own."""
    try:
        return metadata.version("virtualcluster-syncer")
    except metadata.PackageNotFoundError:  # its image has the sources only
        return "0.1.0"


def parse(said: str) -> tuple[int, int, int] | None:
    """Return (1, 34, 4) of `v1.34.4+k3s1` or `1.34.4`; None for what is no version."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
