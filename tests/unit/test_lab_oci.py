"""Importing only what changed: an archive becomes a layout without the layers that are there."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from lab import oci


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive(path: Path, name: str, *layers: bytes) -> Path:
    """Write a docker-archive as buildah does."""
    diffs = [f"sha256:{sha(layer)}" for layer in layers]
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": diffs}}).encode()
    names = [f"{sha(layer)}.tar" for layer in layers]
    described = [{"Config": "c.json", "RepoTags": [name], "Layers": names}]
    with tarfile.open(path, "w") as tar:
        files = {"c.json": config, "manifest.json": json.dumps(described).encode()}
        for member, content in {**dict(zip(names, layers, strict=True)), **files}.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def layout(path: Path, have: set[str]) -> dict[str, bytes]:
    out = io.BytesIO()
    oci.write(path, out, have.__contains__)
    out.seek(0)
    found = {}
    with tarfile.open(fileobj=out) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return found


def manifest(files: dict[str, bytes]) -> Any:
    index = json.loads(files["index.json"])
    digest = index["manifests"][0]["digest"].partition(":")[2]
    return json.loads(files[f"blobs/sha256/{digest}"])


def test_every_blob_is_there_for_a_node_that_has_none(tmp_path: Path) -> None:
    files = layout(archive(tmp_path / "a.tar", "x/y:1", b"one", b"two"), set())
    described = manifest(files)
    for part in (described["config"], *described["layers"]):
        blob = files[f"blobs/sha256/{part['digest'].partition(':')[2]}"]
        assert part["size"] == len(blob)
        assert part["digest"] == f"sha256:{sha(blob)}"


def test_a_layer_that_the_node_has_is_named_but_left_out(tmp_path: Path) -> None:
    files = layout(archive(tmp_path / "a.tar", "x/y:1", b"one", b"two"), {sha(b"one")})
    digests = [layer["digest"] for layer in manifest(files)["layers"]]
    assert digests == [f"sha256:{sha(b'one')}", f"sha256:{sha(b'two')}"]
    assert f"blobs/sha256/{sha(b'one')}" not in files
    assert f"blobs/sha256/{sha(b'two')}" in files


def test_the_name_is_kept_as_the_archive_has_it(tmp_path: Path) -> None:
    index = json.loads(layout(archive(tmp_path / "a.tar", "x/y:1", b"one"), set())["index.json"])
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "x/y:1"}
