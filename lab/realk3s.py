"""Real k3s images that somebody has put into a directory: VC_K3S_ARCHIVES names it.

Where the directory has a version, everything that runs virtual clusters takes it instead of the
stand-in. Archives are known by the names inside them, not by those of their files.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import archives
from lab.buildah import Image
from lab.cache import Cache, digest, file_digest
from lab.errors import LabError
from lab.progress import Task

VARIABLE = "VC_K3S_ARCHIVES"
_NAME = re.compile(r"(?:^|/)rancher/k3s:(v(1\.\d+)\.(\d+)-k3s(\d+))$")


@dataclass(frozen=True)
class Real:
    """One image of real k3s in an archive."""

    name: str
    """As the archive has it."""
    archive: Path

    @property
    def version(self) -> str:
        """Return e.g. `v1.18.6+k3s1`: a tag cannot have the plus sign that the version has."""
        return self._parsed[1].replace("-", "+")

    @property
    def tag(self) -> str:
        """Return the name without a registry."""
        return f"rancher/k3s:{self._parsed[1]}"

    @property
    def minor(self) -> str:
        """Return e.g. `1.18`."""
        return self._parsed[2]

    @property
    def patch(self) -> tuple[int, int]:
        """Return what releases of one minor are sorted by."""
        return int(self._parsed[3]), int(self._parsed[4])

    @property
    def _parsed(self) -> re.Match[str]:
        found = _NAME.search(self.name)
        assert found is not None, self.name
        return found

    def key(self, tag: str) -> str:
        """Return the key of the image under a name."""
        return digest("real k3s", _digest(self.archive), self.name, tag)

    def image(self, cache: Cache, tag: str) -> Image:
        """Return it as the lab's own images are, under the name that is asked for."""
        key = self.key(tag)

        def builder(target: Path, _task: Task) -> None:
            archives.extract(self.archive, self.name, tag, target / "image.tar")

        entry = f"image-k3s-{self.version}"
        return Image(tag, key, cache.entry(entry, key, f"reading {self.archive.name}", builder))


def in_archive(path: Path) -> list[Real]:
    """Return the images of real k3s in an archive."""
    return [Real(name, path) for name in archives.names(path) if _NAME.search(name)]


@functools.cache
def in_directory(directory: Path) -> tuple[Real, ...]:
    """Return the images of real k3s in the archives of a directory."""
    if not directory.is_dir():
        raise LabError(f"{VARIABLE}={directory} is no directory")
    found: list[Real] = []
    for path in sorted(directory.iterdir()):
        if path.is_file() and path.suffix == ".tar":
            found += in_archive(path)
    return tuple(found)


def given() -> tuple[Real, ...]:
    """Return the images that the environment gives."""
    directory = os.environ.get(VARIABLE, "")
    return in_directory(Path(directory).absolute()) if directory else ()


def instead_of(tag: str, reals: Iterable[Real] | None = None) -> Real | None:
    """Return the image to take where `tag` is wanted: that one, else the minor's newest, if any."""
    wanted = Real(tag, Path())
    candidates = [
        each for each in (given() if reals is None else reals) if each.minor == wanted.minor
    ]
    exact = [each for each in candidates if each.tag == tag]
    return max(exact or candidates, key=lambda each: each.patch, default=None)


def remarks(tags: Sequence[str], reals: Iterable[Real] | None = None) -> list[str]:
    """Return what to say about the images that are given where these names are wanted."""
    known = list(given() if reals is None else reals)
    taken = {real: tag for tag in tags if (real := instead_of(tag, known)) is not None}
    lines = []
    for real in known:
        where = f"{VARIABLE}: {real.archive.name} has {real.tag}"
        if real not in taken:
            lines.append(f"{where}, which no preset asks for: ignored")
        elif taken[real] != real.tag:
            lines.append(f"{where}, taken for {taken[real]}")
    return lines


@functools.cache
def _digest(path: Path) -> str:
    return file_digest(path)
