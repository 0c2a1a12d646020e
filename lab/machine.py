"""Limits of the whole machine that labs need higher; given back when the last lab goes."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

_SYSCTL = Path("/proc/sys")
# One lab takes about twenty, each virtual cluster in it ten more; Debian's limit is 128, and a
# kubelet beyond it fails with "too many open files".
_WANTED = {"fs/inotify/max_user_instances": 2048}
_RECORD = ".machine.json"


def raise_limits(root: Path) -> None:
    """Raise what is too low, and remember in the labs' directory what it was."""
    before = _before(root)
    for name, wanted in _WANTED.items():
        current = int((_SYSCTL / name).read_text())
        if current < wanted:
            before.setdefault(name, current)
            (root / _RECORD).write_text(json.dumps(before))
            with contextlib.suppress(OSError):  # read-only in some containers
                (_SYSCTL / name).write_text(str(wanted))


def restore_limits(root: Path) -> None:
    """Give back what was raised."""
    for name, value in _before(root).items():
        with contextlib.suppress(OSError):
            (_SYSCTL / name).write_text(str(value))
    (root / _RECORD).unlink(missing_ok=True)


def _before(root: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((root / _RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return found
