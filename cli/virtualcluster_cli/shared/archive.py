# Made by scripts/generate from syncer/backup/archive.py: edit that one.
"""The form of a backup: what is in the archive, and a reader that believes none of it unchecked.

    dev.tar.gz
    ├── manifest.json        first: what it is, and size and SHA-256 of each file that follows
    └── server/…             files of k3s' data directory, `server/db/state.db` among them

Symbolic links stand in the manifest alone. Reading is one pass, so that an archive may be a stream.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

FORMAT = 1
MANIFEST = "manifest.json"
ROOT = "server/"
STATE = "server/db/state.db"
LONGEST_MANIFEST = 16 << 20  # bytes; a name and a digest for each of some sixty files
BLOCK = 1 << 16


class Damaged(ValueError):
    """It is no backup, or not a whole one."""


class File(NamedTuple):
    """A file as the manifest has it."""

    size: int
    sha256: str
    mode: int


class Manifest(NamedTuple):
    """What a backup is of, and what it holds."""

    format: int
    created: str
    """When its copy of the datastore was taken, like 2026-01-31T12:00:00Z."""
    release: str
    namespace: str
    cluster_uid: str
    """The UID of its namespace kube-system, which tells one datastore from others."""
    k3s_version: str
    """The k3s that served the datastore, like 1.34.4; empty when none was known to."""
    data_dir: str
    """Of k3s: some of the files name others by their whole path."""
    revision: int
    """The datastore's newest write that is in it."""
    files: dict[str, File]
    links: dict[str, str]

    def to_json(self) -> bytes:
        """Return it as it stands in the archive."""
        files = {name: each._asdict() for name, each in self.files.items()}
        return json.dumps({**self._asdict(), "files": files}, indent=1).encode() + b"\n"

    @property
    def size(self) -> int:
        """Return how many bytes its files have, unpacked."""
        return sum(each.size for each in self.files.values())


class Reader:
    """Reads an archive in one pass; raises Damaged for all that is not as its manifest says."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._unzipped = gzip.GzipFile(fileobj=stream, mode="rb")
        with _damage():
            self._tar = tarfile.open(fileobj=self._unzipped, mode="r|")  # noqa: SIM115
            first = self._tar.next()
            held = self._tar.extractfile(first) if first is not None else None
            if first is None or held is None or first.name != MANIFEST:
                raise Damaged("it is not a backup of a virtual cluster")
            if first.size > LONGEST_MANIFEST:
                raise Damaged("its manifest is too long")
            self.manifest = parse(held.read())

    def check(self) -> Manifest:
        """Read all of it and keep nothing; return the manifest once everything is as it says."""
        for _name, _file, content in self.files():
            for _ in content:
                pass
        return self.manifest

    def files(self) -> Iterator[tuple[str, File, Iterator[bytes]]]:
        """Yield each file with its content, which is to be read before the next one."""
        missing = dict(self.manifest.files)
        while True:
            with _damage():
                entry = self._tar.next()
            if entry is None:
                break
            expected = missing.pop(entry.name, None)
            held = self._tar.extractfile(entry) if entry.isreg() else None
            if expected is None or held is None:
                raise Damaged(f"{entry.name} is not in its manifest")
            yield entry.name, expected, _checked(entry.name, expected, held)
        if missing:
            raise Damaged(f"it ends before {min(missing)}")
        with _damage():
            while self._unzipped.read(BLOCK):
                pass  # its own checksum comes last


def parse(text: bytes) -> Manifest:
    """Return a manifest; raise Damaged for one that is none, or that names anything outside."""
    try:
        raw: dict[str, Any] = json.loads(text)
        found = raw["format"]
        if not isinstance(found, int) or found < 1:
            raise Damaged("its manifest has no format")
        if found > FORMAT:
            raise Damaged(f"it has format {found}, and this program reads {FORMAT} and older")
        files = {str(name): _file(each) for name, each in raw["files"].items()}
        links = {str(name): str(target) for name, target in raw["links"].items()}
        words = ("created", "release", "namespace", "cluster_uid", "k3s_version", "data_dir")
        named = {word: str(raw[word]) for word in words}
        made = Manifest(
            format=found, revision=int(raw["revision"]), files=files, links=links, **named
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged("its manifest is not readable") from error
    _check_names(made)
    return made


def _file(raw: dict[str, Any]) -> File:
    return File(int(raw["size"]), str(raw["sha256"]), int(raw["mode"]))


def _check_names(made: Manifest) -> None:
    """Raise Damaged for a name or a link that leads out of the data directory."""
    if STATE not in made.files or not made.cluster_uid:
        raise Damaged("it holds no datastore")
    for name in (*made.files, *made.links):
        if not name.startswith(ROOT) or posixpath.normpath(name) != name or "\0" in name:
            raise Damaged(f"it names {name!r}, which is not a file of k3s")
    for name, target in made.links.items():
        if not stays_inside(made.data_dir, name, target) or name in made.files:
            raise Damaged(f"its link {name} leads to {target}")


def stays_inside(data_dir: str, name: str, target: str) -> bool:
    """Tell whether a link leads to a file of k3s' own; many of its links name whole paths."""
    place = posixpath.normpath(posixpath.join(data_dir, posixpath.dirname(name), target))
    return place.startswith(posixpath.join(data_dir, ROOT))


def _checked(name: str, expected: File, held: IO[bytes]) -> Iterator[bytes]:
    size, digest = 0, hashlib.sha256()
    while True:
        with _damage():
            block = held.read(BLOCK)
        if not block:
            break
        size += len(block)
        digest.update(block)
        yield block
    if (size, digest.hexdigest()) != expected[:2]:
        raise Damaged(f"{name} is not what its manifest says")


def write(out: IO[bytes], manifest: Manifest, content: Callable[[str], IO[bytes]]) -> None:
    """Write an archive; `content` opens each file that the manifest names."""
    # No name and no time in its head; 6 is where more work stops paying.
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=6, mtime=0) as zipped:
        tar = tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        text = manifest.to_json()
        _add(tar, MANIFEST, len(text), 0o600, io.BytesIO(text))
        for name, each in manifest.files.items():
            with content(name) as held:
                _add(tar, name, each.size, each.mode, held)
        tar.close()


def _add(tar: tarfile.TarFile, name: str, size: int, mode: int, held: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    tar.addfile(entry, held)


class _damage:  # noqa: N801  a context, read like a function
    """Turns what libraries say about a broken archive into Damaged."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        broken = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)
        if isinstance(error, broken):
            raise Damaged("it is damaged, truncated, or not a backup") from error
