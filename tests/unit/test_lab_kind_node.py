"""kind's node image from source: what goes into it, and the network of such nodes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.buildah import Image
from lab.errors import LabError
from lab.kind import archives, base, cni, nodeimage, programs
from lab.versions import DEFAULT_KUBERNETES, KUBERNETES

CONFIG = """
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"
  # restrict_oom_score_adj needs to be true when rootless
  restrict_oom_score_adj = false
"""


def test_containerd_lowers_no_score_and_is_otherwise_kinds() -> None:
    assert base.tolerant(CONFIG) == CONFIG.replace("_adj = false", "_adj = true")
    assert base.sandbox(CONFIG) == "registry.k8s.io/pause:3.10"


@pytest.mark.parametrize(
    ("change", "text"),
    [(base.tolerant, "restrict_oom_score_adj = true\n"), (base.sandbox, "sandbox = 'x'\n")],
)
def test_a_configuration_of_another_form_is_refused(change: Any, text: str) -> None:
    with pytest.raises(LabError, match="any more"):
        change(text)


def test_the_images_that_kind_wants_are_read_out_of_its_module(tmp_path: Path) -> None:
    config = tmp_path / "images" / "base" / "files" / "etc" / "containerd" / "config.toml"
    source = tmp_path / "pkg" / "build" / "nodeimage"
    for directory in (config.parent, source):
        directory.mkdir(parents=True)
    config.write_text(CONFIG)
    (source / "const_cni.go").write_text('package x\n\nconst kindnetdImage = "a/kindnetd:v1"\n')
    (source / "const_storage.go").write_text(
        'const storageHelperImage = "a/helper:v2"\nvar x = []string{storageHelperImage}\n'
    )
    assert base.constants(tmp_path) == {
        "sandbox": "registry.k8s.io/pause:3.10",
        "kindnetdImage": "a/kindnetd:v1",
        "storageHelperImage": "a/helper:v2",
    }


def test_every_wanted_image_has_an_archive_or_is_named() -> None:
    built = {"pause": Image("p", "k", Path("/p")), "etcd": Image("e", "k", Path("/e"))}
    wanted = ["registry.k8s.io/pause:3.10", "registry.k8s.io/etcd:3.6.5-0"]
    assert nodeimage.named_images(wanted, built) == {
        "registry.k8s.io/pause:3.10": Path("/p/image.tar"),
        "registry.k8s.io/etcd:3.6.5-0": Path("/e/image.tar"),
    }
    with pytest.raises(LabError, match=r"does not make: \['docker.io/a/new:v1'\]"):
        nodeimage.named_images([*wanted, "docker.io/a/new:v1"], built)


def archive(path: Path, layers: list[bytes]) -> Path:
    """Write a docker-archive of one image, as buildah does."""
    blobs = {f"{hashlib.sha256(data).hexdigest()}.tar": data for data in layers}
    config = json.dumps({"layers": list(blobs)}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": ["localhost/x:1"], "Layers": list(blobs)}]
    files = {**blobs, name: config, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as tar:
        for file, data in files.items():
            info = tarfile.TarInfo(file)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_images_are_joined_with_their_names_first_and_shared_layers_once(tmp_path: Path) -> None:
    given = {
        "registry.k8s.io/coredns/coredns:v1.12.1": archive(tmp_path / "a", [b"base", b"one"]),
        "docker.io/kindest/helper:v2": archive(tmp_path / "b", [b"base", b"two"]),
        "docker.io/kindest/helper:v3": archive(tmp_path / "c", [b"base", b"two"]),
    }
    archives.join(given, tmp_path / "all.tar")
    with tarfile.open(tmp_path / "all.tar") as tar:
        names = tar.getnames()
        # kind's builder reads the first of these two, and all of it only if it is this one.
        assert names[:2] == ["repositories", "manifest.json"]
        assert len(names) == len(set(names))
        file = tar.extractfile("repositories")
        assert file is not None
        listed = json.load(file)
        file = tar.extractfile("manifest.json")
        assert file is not None
        manifests = json.load(file)
    assert {repository: list(tags) for repository, tags in listed.items()} == {
        "registry.k8s.io/coredns/coredns": ["v1.12.1"],
        "docker.io/kindest/helper": ["v2", "v3"],
    }
    assert [each["RepoTags"] for each in manifests] == [[name] for name in given]
    for each in manifests:
        assert {each["Config"], *each["Layers"]} <= set(names)
    assert len([name for name in names if name.endswith(".tar")]) == 3


def test_a_minor_without_a_kubeadm_is_refused_by_name() -> None:
    assert DEFAULT_KUBERNETES in programs.minors()
    with pytest.raises(LabError, match=r"no kubeadm-1\.16; there are .*1\.34"):
        programs.kubeadm("1.16")
    for minor in programs.minors():
        pins = (programs.kubeadm(minor).directory / "go.mod").read_text()
        assert f"require k8s.io/kubernetes {KUBERNETES[minor].version}\n" in pins


def listed(pods: str | None, kind: str = "InternalIP") -> dict[str, Any]:
    spec = {"podCIDR": pods} if pods else {}
    addresses = [{"type": kind, "address": "10.0.0.1"}]
    return {
        "items": [{"metadata": {"name": "a"}, "spec": spec, "status": {"addresses": addresses}}]
    }


@pytest.mark.parametrize("unready", [listed(None), listed("10.244.0.0/24", "Hostname")])
def test_a_node_without_addresses_is_waited_for(unready: dict[str, Any]) -> None:
    with pytest.raises(LabError, match="node a has no"):
        cni.nodes(unready)


def test_a_node_has_a_route_to_the_pods_of_every_other_one() -> None:
    a, b, c = (cni.Node(name, f"10.0.0.{n}", f"10.244.{n}.0/24") for n, name in enumerate("abc"))
    assert cni.nodes(listed("10.244.1.0/24")) == [cni.Node("a", "10.0.0.1", "10.244.1.0/24")]
    assert cni.routes(b, [a, b, c]) == [
        ("route", "replace", "10.244.0.0/24", "via", "10.0.0.0"),
        ("route", "replace", "10.244.2.0/24", "via", "10.0.0.2"),
    ]
    assert cni.routes(a, [a]) == []
