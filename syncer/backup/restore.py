"""Puts a backup in the place of the virtual cluster's state: `syncer restore`, read from stdin.

k3s must not run meanwhile: the command line starts this in a pod of its own, which has the volume.
All is unpacked and checked beside what is there, and the two change places by two renames at the
end, so that nothing is lost by whatever ends this before. Between them the volume has no state; a
later start of this puts the old one back first.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
from pathlib import Path
from typing import IO

from syncer.backup import archive
from syncer.backup.archive import Damaged, Manifest, Reader
from syncer.errors import Refused

NEW, OLD = "server.restoring", "server.before-restore"


def restore(stream: IO[bytes], size: int, data_dir: Path) -> Manifest:
    """Put the archive of `size` bytes in place; raise Refused when all is still as it was."""
    here, new, old = (data_dir / name for name in ("server", NEW, OLD))
    if old.exists() and not here.exists():
        old.rename(here)  # between the two renames, the last time
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    limited = _Limited(stream, size)
    try:
        manifest = _unpack(Reader(io.BufferedReader(limited)), new, data_dir)
    except (Damaged, OSError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise _refusal(error) from error
    if here.exists():
        here.rename(old)
    new.rename(here)
    _sync(data_dir)
    for left in (old, data_dir / "agent"):  # the latter has copies of the authorities of before
        shutil.rmtree(left, ignore_errors=True)
    return manifest


def _refusal(error: Exception) -> Refused:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(
            "NoSpace",
            "the volume has no room for the backup beside what is on it: give it more"
            " (storage.size), or delete the virtual cluster and restore into a new one",
        )
    return Refused("NotRestored", f"the backup could not be put in place: {error}")


def _unpack(reader: Reader, new: Path, data_dir: Path) -> Manifest:
    manifest = reader.manifest
    if Path(manifest.data_dir) != data_dir:
        raise Damaged(f"its data directory is {manifest.data_dir}, not {data_dir}")
    new.mkdir(mode=0o700)
    for name, file, content in reader.files():
        path = new / name.removeprefix(archive.ROOT)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for block in content:
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        path.chmod(file.mode & 0o777)
    # Links last: nothing is ever written through one.
    for name, target in manifest.links.items():
        path = new / name.removeprefix(archive.ROOT)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.symlink_to(target)
    for directory, _names, _files in os.walk(new):
        _sync(Path(directory))
    return manifest


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Limited(io.RawIOBase):
    """The first `size` bytes of a stream that has no end: stdin of `exec` is never closed."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(min(len(buffer), self._left))
        self._left -= len(block)
        buffer[: len(block)] = block
        return len(block)
