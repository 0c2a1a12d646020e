"""Unpacks an image as a container runtime does: layer upon layer, with what a layer takes away."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from lab import archives
from lab.buildah import Image
from lab.cache import Cache, digest
from lab.progress import Task

_GONE, _EMPTIED = ".wh.", ".wh..wh..opq"
ENVIRONMENT = "environment.json"


def unpacked(cache: Cache, image: Image) -> Path:
    """Return a directory with `root`, the image's files, and `environment.json`, its variables."""

    def builder(target: Path, _task: Task) -> None:
        root = target / "root"
        root.mkdir()
        with archives.layers(image.archive) as layers:
            for layer in layers:
                apply(layer, root)
        environment = archives.config(image.archive)["config"].get("Env") or []
        (target / ENVIRONMENT).write_text(json.dumps(environment))

    # Of every version its own: the cache keeps few entries of one name.
    name = f"root-{image.tag.rpartition('/')[2].replace(':', '-')}"
    return cache.entry(name, digest(image.key), f"unpacking {image.tag}", builder)


def apply(layer: tarfile.TarFile, root: Path) -> None:
    """Lay the files of a layer over what is there."""
    for member in layer:
        path = root / member.name
        if path.name == _EMPTIED:
            for child in path.parent.iterdir():
                _remove(child)
        elif path.name.startswith(_GONE):
            _remove(path.with_name(path.name.removeprefix(_GONE)))
        else:
            if not (member.isdir() and path.is_dir()) or path.is_symlink():
                _remove(path)
            # "tar": nothing may lead out of the directory, but modes stay as they are.
            layer.extract(member, root, filter=_checked)


def _checked(member: tarfile.TarInfo, root: str) -> tarfile.TarInfo | None:
    # Absolute links are those of the image's own root: nothing here follows them.
    return member if member.issym() else tarfile.tar_filter(member, root)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
