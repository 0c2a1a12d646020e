"""Keeps what Go remembers of its builds small: compiling ten Kubernetes versions leaves 30 GB."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from lab.cache import Cache

MOST = 8 << 30  # bytes; one Kubernetes version with its tests is about 4 GiB
IDLE = 2 * 3600.0  # seconds; Go notes hourly that an entry is in use, see cmd/go/internal/cache


def ours(cache: Cache) -> Path:
    """Return the directory that scripts/lib.sh gives to Go, not the user's own."""
    return cache.root / "go"


def trim(root: Path, most: int = MOST, now: float | None = None) -> int:
    """Remove what was not used lately, the oldest first, until `most` bytes are left.

    Returns how many bytes went. Go meets a missing entry by compiling again; what a build that is
    running may have looked up is too young to go.
    """
    now = time.time() if now is None else now
    found: list[tuple[float, int, Path]] = []
    for path in root.glob("[0-9a-f][0-9a-f]/*"):
        with contextlib.suppress(FileNotFoundError):  # another run trims too
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    total, gone = sum(size for _, size, _ in found), 0
    for used, size, path in sorted(found):
        if total - gone <= most or now - used < IDLE:
            break
        path.unlink(missing_ok=True)
        gone += size
    return gone


def tidy(cache: Cache) -> None:
    """Trim our own directory, if it is the one in use."""
    if Path(os.environ.get("GOCACHE", "")) == ours(cache):
        trim(ours(cache))
