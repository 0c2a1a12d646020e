"""Keeps what is built, keyed by what it was built from: once, never half, by one at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.paths import cache_dir
from lab.progress import Progress, Task

KEEP = 3  # entries of one name that stay: enough to switch between two branches
GRACE = 900.0  # never prune what another run may be reading

Builder = Callable[[Path, Task], None]


def digest(*parts: object) -> str:
    """Return a short key of anything that JSON can write; equal inputs, equal keys."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(root: Path, *patterns: str) -> dict[str, str]:
    """Return path → digest (and mode) of every file under `root` that a pattern names."""
    found = {}
    for pattern in patterns or ("**/*",):
        for path in root.glob(pattern):
            if path.is_file() and "__pycache__" not in path.parts:
                mode = "x" if os.access(path, os.X_OK) else "-"
                found[path.relative_to(root).as_posix()] = mode + file_digest(path)
    return found


@contextlib.contextmanager
def locked(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path`; `on_wait` is called once when somebody else holds it.

    The kernel drops the lock with the process, so a killed run leaves nothing to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Cache:
    """Directories under one root, each made by a builder in one piece."""

    def __init__(self, progress: Progress, root: Path | None = None) -> None:
        self.root = cache_dir() if root is None else root
        self.progress = progress

    def has(self, name: str, key: str) -> bool:
        """Tell whether an entry is there."""
        return (self.root / name / key).is_dir()

    def entry(self, name: str, key: str, what: str, build: Builder) -> Path:
        """Return the directory of `name` at `key`; `build` fills it when it is not there yet."""
        target = self.root / name / key
        if target.is_dir():
            os.utime(target)
            return target
        with self.progress.task(what) as task:
            lock = self.root / "locks" / f"{name}-{key}"
            with locked(lock, lambda: task.note("another run is at it; waiting for it")):
                if not target.is_dir():
                    self._build(target, task, build)
        self.prune(name, keep=target)
        return target

    def _build(self, target: Path, task: Task, build: Builder) -> None:
        half = target.with_name(f".{target.name}.half")
        if half.exists():  # of a run that was killed: the lock is ours, so nobody is at it
            shutil.rmtree(half)
        half.mkdir(parents=True)
        try:
            build(half, task)
            half.rename(target)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise

    def prune(self, name: str, keep: Path) -> None:
        """Remove the oldest entries of a name, but none that was used lately."""
        used: dict[Path, float] = {}
        for path in (self.root / name).iterdir():
            if path.name[0] != ".":
                with contextlib.suppress(FileNotFoundError):  # other runs remove entries too
                    used[path] = path.stat().st_mtime
        for path in sorted(used, key=used.__getitem__, reverse=True)[KEEP:]:
            if path != keep and time.time() - used[path] > GRACE:
                trash = path.with_name(f".{path.name}.old")
                with contextlib.suppress(OSError):
                    path.rename(trash)
                    shutil.rmtree(trash, ignore_errors=True)
