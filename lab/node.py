"""The images of one node's container runtime."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab import archives, oci
from lab.buildah import Image
from lab.cache import file_digest
from lab.errors import LabError
from lab.run import run


class NodeImages:
    """What was imported into a node's containerd; the record is removed together with its store."""

    def __init__(self, directory: Path, socket: Path | None = None) -> None:
        self._directory = directory
        self._socket = socket or directory / "containerd.sock"
        self._record = directory / "images.json"

    def missing(self, images: Iterable[Image]) -> list[Image]:
        """Return the images that the node has not, or has in another version."""
        have = self._read()
        return [image for image in images if have.get(image.tag) != image.key]

    def load(self, image: Image) -> None:
        """Import a built image under its name, in place of an older one."""
        with subprocess.Popen(
            self._ctr_import("-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as ctr:
            assert ctr.stdin is not None
            assert ctr.stderr is not None
            with contextlib.suppress(BrokenPipeError), ctr.stdin:  # what it says tells more
                oci.write(image.archive, ctr.stdin, self._has_blob)
            said = ctr.stderr.read().decode(errors="replace").strip()
        if ctr.returncode != 0:
            raise LabError(f"importing {image.tag}: {said}")
        self._write({**self._read(), image.tag: image.key})

    def load_archive(self, archive: Path) -> None:
        """Import any archive: what names it has only the archive knows."""
        if not archive.is_file():
            raise LabError(f"no such image archive: {archive}")
        key, have = f"archive {file_digest(archive)}", self._read()
        if key not in have:
            run(self._ctr_import(str(archive)))
            kept = {t: k for t, k in have.items() if not _names(archive, t)}
            self._write({**kept, key: key})

    def tags(self) -> dict[str, str]:
        """Return name → key of what was imported."""
        return self._read()

    def answers(self) -> bool:
        """Tell whether containerd can be talked to."""
        command = ["ctr", "--address", str(self._socket), "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _has_blob(self, digest: str) -> bool:
        store = "containerd/root/io.containerd.content.v1.content/blobs/sha256"
        return (self._directory / store / digest).exists()

    def _ctr_import(self, source: str) -> list[str]:
        return ["ctr", "-a", str(self._socket), "-n", "k8s.io", "images", "import", source]

    def _read(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _write(self, record: dict[str, str]) -> None:
        half = self._record.with_suffix(".half")
        half.write_text(json.dumps(record, indent=1))
        half.rename(self._record)


def _names(archive: Path, tag: str) -> bool:
    """Tell whether an archive brings an image that pods know as `tag`."""
    try:
        names = archives.names(archive)
    except LabError:
        return True  # not Docker's format: assume the worst, which is one more import
    return any(archives.is_named(name, tag) for name in names)
