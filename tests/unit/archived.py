"""Makes docker-archives as the usual tools write them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Files = Mapping[str, bytes | str | None]
"""Path → content; a text is what a symbolic link leads to, None a directory."""


def layer(files: Files) -> bytes:
    """Return a layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
                continue
            info.type = tarfile.DIRTYPE if content is None else tarfile.SYMTYPE
            info.linkname = content or ""
            tar.addfile(info)
    return out.getvalue()


def archive(
    path: Path, *images: tuple[Sequence[str], Sequence[bytes]], packed: bool = False
) -> Path:
    """Write an archive of images, each its names and its layers; `packed` as crane does."""
    manifest: list[dict[str, object]] = []
    with tarfile.open(path, "w") as tar:
        for names, layers in images:
            diffs = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
            config = {"config": {"Env": ["A=b"]}, "rootfs": {"diff_ids": diffs}}
            file = f"{len(manifest)}-config.json"
            _add(tar, file, json.dumps(config).encode())
            members: list[str] = []
            for content in layers:
                member = f"{len(manifest)}-{len(members)}.tar" + ".gz" * packed
                _add(tar, member, gzip.compress(content) if packed else content)
                members.append(member)
            manifest.append({"Config": file, "RepoTags": list(names), "Layers": members})
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return path


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
