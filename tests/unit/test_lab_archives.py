"""docker-archives of the usual tools become archives as a lab writes them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from lab import archives, oci
from lab.errors import LabError
from tests.unit.archived import archive, layer

K3S, OTHER = "rancher/k3s:v1.18.6-k3s1", "busybox:1"
LAYERS = [layer({"bin/k3s": b"program"}), layer({"bin/sh": "k3s"})]


def test_the_names_of_all_images_are_found(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", ([OTHER], LAYERS), ([K3S, f"mirror.test/{K3S}"], LAYERS))
    assert archives.names(path) == [OTHER, K3S, f"mirror.test/{K3S}"]


@pytest.mark.parametrize(
    ("name", "same"),
    [(K3S, True), (f"mirror.test/{K3S}", True), (f"x{K3S}", False), (f"{K3S}-amd64", False)],
)
def test_a_registry_before_a_name_changes_nothing(name: str, same: bool) -> None:  # noqa: FBT001
    assert archives.is_named(name, K3S) is same


@pytest.mark.parametrize("packed", [False, True])
def test_one_image_is_taken_out_with_plain_layers_and_a_full_name(
    tmp_path: Path,
    packed: bool,  # noqa: FBT001
) -> None:
    source = archive(tmp_path / "a.tar", ([OTHER], LAYERS[:1]), ([K3S], LAYERS), packed=packed)
    target = tmp_path / "image.tar"
    archives.extract(source, K3S, "rancher/k3s:wanted", target)
    (name,) = archives.names(target)
    assert name.endswith("/rancher/k3s:wanted")
    with archives.layers(target) as found:
        assert [each.getnames() for each in found] == [["bin/k3s"], ["bin/sh"]]
    out = io.BytesIO()
    oci.write(target, out, lambda _: False)  # which takes a layer for what its digest says
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        assert json.load(index)["manifests"][0]["annotations"]["io.containerd.image.name"] == name


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("nothing of the kind")
    with pytest.raises(LabError, match=r"a\.tar is no docker-archive"):
        archives.names(tmp_path / "a.tar")
