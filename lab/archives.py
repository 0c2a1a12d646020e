"""docker-archives: the images in them, and one of them in the form that the lab itself writes.

`docker save`, `skopeo copy` and `crane pull` differ: several images in a file, layers that are
compressed, links between layers, short names. A lab's own archives have one image, plain layers
and a full name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lab.errors import LabError

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_REGISTRY = "docker.io/"  # what container runtimes put before a name without a registry


def names(path: Path) -> list[str]:
    """Return the names of the images in an archive; raise LabError if it is no docker-archive."""
    with _opened(path) as (_, images):
        return [name for image in images for name in image.get("RepoTags") or ()]


def is_named(name: str, tag: str) -> bool:
    """Tell whether pods that ask for `tag` mean an image with this name, whatever its registry."""
    return name == tag or name.endswith(f"/{tag}")


def config(path: Path) -> dict[str, Any]:
    """Return the configuration of an archive's first image."""
    with _opened(path) as (tar, images):
        found: dict[str, Any] = json.loads(_read(tar, images[0]["Config"]))
        return found


def extract(path: Path, name: str, tag: str, target: Path) -> None:
    """Write the image `name` as an archive of its own, with plain layers, under the name `tag`."""
    with _opened(path) as (tar, images), tarfile.open(target, "w") as out:
        image = next(each for each in images if name in (each.get("RepoTags") or ()))
        described = _read(tar, image["Config"])
        written: list[str] = []
        for member in image["Layers"]:
            with _plain(tar, member) as layer:
                written.append(_add(out, f"{len(written)}.tar", layer))
        file = f"{hashlib.sha256(described).hexdigest()}.json"
        _add(out, file, io.BytesIO(described))
        manifest = [{"Config": file, "RepoTags": [f"{_REGISTRY}{tag}"], "Layers": written}]
        _add(out, "manifest.json", io.BytesIO(json.dumps(manifest).encode()))


@contextmanager
def layers(path: Path) -> Iterator[Iterator[tarfile.TarFile]]:
    """Provide the layers of an archive's first image, the lowest first."""
    with _opened(path) as (tar, images):

        def each() -> Iterator[tarfile.TarFile]:
            for member in images[0]["Layers"]:
                with _plain(tar, member) as layer, tarfile.open(fileobj=layer) as files:
                    yield files

        yield each()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tarfile.TarFile, list[dict[str, Any]]]]:
    try:
        with tarfile.open(path) as tar:
            images = json.loads(_read(tar, "manifest.json"))
            if not images:
                raise LabError(f"{path} holds no image")
            yield tar, images
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise LabError(f"{path} is no docker-archive: {error}") from None


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


@contextmanager
def _plain(tar: tarfile.TarFile, member: str) -> Iterator[IO[bytes]]:
    """Provide a layer as a plain tar file."""
    file = tar.extractfile(member)
    if file is None:
        raise KeyError(member)
    start = file.read(4)
    file.seek(0)
    if start.startswith(_ZSTD):
        raise LabError(f"{tar.name!r}: layers compressed by zstd; `docker save` writes plain ones")
    if not start.startswith(_GZIP):
        yield file
        return
    with gzip.open(file) as packed, tempfile.TemporaryFile() as plain:
        shutil.copyfileobj(packed, plain)
        plain.seek(0)
        yield plain


def _add(out: tarfile.TarFile, name: str, content: IO[bytes]) -> str:
    info = tarfile.TarInfo(name)
    info.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    out.addfile(info, content)
    return name
