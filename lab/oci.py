"""Turns an image archive into an OCI layout that leaves out the layers that a node already has.

containerd finds layers by digest wherever they came from, so an image whose last layer changed is
imported in a fraction of a second. A docker-archive, which is what buildah writes, cannot do that:
its reader wants every layer in the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_NAME = "io.containerd.image.name"  # containerd takes this annotation as it is


def write(archive: Path, target: IO[bytes], has: Callable[[str], bool]) -> None:
    """Write the image of a docker-archive as a tar stream, without the blobs that `has` knows."""
    with tarfile.open(archive) as source, tarfile.open(fileobj=target, mode="w|") as out:
        described = json.loads(_read(source, "manifest.json"))[0]
        config = _read(source, described["Config"])
        diffs = [d.partition(":")[2] for d in json.loads(config)["rootfs"]["diff_ids"]]
        layers = []
        for member, diff in zip(described["Layers"], diffs, strict=True):
            info = source.getmember(member)
            layers.append(_descriptor(_LAYER, diff, info.size))
            if not has(diff):
                copy = tarfile.TarInfo(f"blobs/sha256/{diff}")
                copy.size = info.size
                out.addfile(copy, source.extractfile(info))
        manifest = _json(
            schemaVersion=2,
            mediaType=_MANIFEST,
            config=_descriptor(_CONFIG, _blob(out, config), len(config)),
            layers=layers,
        )
        entry = _descriptor(_MANIFEST, _blob(out, manifest), len(manifest))
        # The archive has the name in full; containerd would not complete a short one here.
        index = [{**entry, "annotations": {_NAME: name}} for name in described["RepoTags"]]
        _add(out, "index.json", _json(schemaVersion=2, manifests=index))
        _add(out, "oci-layout", _json(imageLayoutVersion="1.0.0"))


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _json(**content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _read(source: tarfile.TarFile, name: str) -> bytes:
    file = source.extractfile(name)
    assert file is not None
    return file.read()


def _blob(out: tarfile.TarFile, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    _add(out, f"blobs/sha256/{digest}", content)
    return digest


def _add(out: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    out.addfile(info, io.BytesIO(content))
