"""Debian's root file system, as the context of an image."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from lab.progress import Task
from lab.run import run

SUITE = "bookworm"
USELESS = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/log"),
    *("var/cache/apt", "var/lib/apt/lists", "var/cache/debconf", "dev", "proc", "sys"),
)
"""Directories that are emptied."""


def make(context: Path, packages: str, task: Task) -> Path:
    """Make a root with these packages (joined by commas) beside the context; return it."""
    root = context.parent / "rootfs"
    run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, root],
        on_line=task.note,
    )
    for path in USELESS:
        shutil.rmtree(root / path, ignore_errors=True)
        (root / path).mkdir(parents=True)
    return root


def pack(root: Path, context: Path, task: Task) -> None:
    """Put the root into the context as `rootfs.tar`, and remove it."""
    task.note("packing")
    with tarfile.open(context / "rootfs.tar", "w") as tar:
        tar.add(root, ".")
    shutil.rmtree(root)
