"""One archive of several images, as kind's builder reads it.

It looks at the first of `repositories` and `manifest.json` only, and of a manifest at the first
image; so the names stand in `repositories`, written out in full, before everything else.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def join(archives: Mapping[str, Path], target: Path) -> None:
    """Write images (name in full → docker-archive of one image) as one docker-archive."""
    manifests: list[dict[str, Any]] = []
    for name, path in archives.items():
        with tarfile.open(path) as source:
            (found,) = json.loads(_read(source, "manifest.json"))
        manifests.append({**found, "RepoTags": [name]})
    with tarfile.open(target, "w") as out:
        _add(out, "repositories", repositories(manifests))
        _add(out, "manifest.json", manifests)
        there: set[str] = set()
        for manifest, path in zip(manifests, archives.values(), strict=True):
            with tarfile.open(path) as source:
                for member in (manifest["Config"], *manifest["Layers"]):
                    if member in there:  # named by digest: a layer that two images have is one file
                        continue
                    there.add(member)
                    info = source.getmember(member)
                    copy = tarfile.TarInfo(member)
                    copy.size = info.size
                    out.addfile(copy, source.extractfile(info))


def repositories(manifests: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return repository → tag → image, of manifests with one name each."""
    found: dict[str, dict[str, str]] = {}
    for manifest in manifests:
        repository, _, tag = manifest["RepoTags"][0].rpartition(":")
        found.setdefault(repository, {})[tag] = manifest["Config"].removesuffix(".json")
    return found


def _read(source: tarfile.TarFile, name: str) -> bytes:
    file = source.extractfile(name)
    assert file is not None
    return file.read()


def _add(out: tarfile.TarFile, name: str, content: object) -> None:
    data = json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    out.addfile(info, io.BytesIO(data))
