"""scripts/up with kind: when it is chosen, what it is asked for, and what is refused.

kind, docker and kubectl are stubs on PATH that write down how they were called and answer as they
are told; what is built is a stand-in, and so is our own Engine.
"""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from lab import job_host
from lab.buildah import Image
from lab.docker import network
from lab.docker.engine import Engine
from lab.errors import LabError
from lab.images import SYNCER_TAG
from lab.job_kind import Kind, Source
from lab.kind.cluster import config, has_own_network, nodes
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.hosts import host, presets

STUB = """#!/bin/sh
echo "${0##*/} $*" >> "$STUBS/calls"
case " $FAILING " in *" ${0##*/}-$1 "*) echo "$1: stubbed failure" >&2; exit 1 ;; esac
case "${0##*/} $1 $2" in
"kind get clusters") cat "$STUBS/clusters" ;;
"kind get nodes") printf '%s\\n' t-control-plane t-worker ;;
"kind create cluster")
  echo "$4" >> "$STUBS/clusters"
  while [ $# -gt 1 ]; do [ "$1" = --kubeconfig ] && echo made > "$2"; shift; done ;;
"kind delete cluster") : > "$STUBS/clusters" ;;
"kubectl get nodes") cat "$STUBS/nodes" ;;
esac
"""
PATCH = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
"""
PULL_FAILS = "docker-image docker-pull"
TAG, IMAGE = nodes()[DEFAULT_KUBERNETES].tag, nodes()[DEFAULT_KUBERNETES].image


def listed(*names: str) -> str:
    """Return what kubectl says of nodes."""
    items = [
        {
            "metadata": {"name": name},
            "spec": {"podCIDR": f"10.244.{number}.0/24"},
            "status": {"addresses": [{"type": "InternalIP", "address": f"198.19.128.{number}"}]},
        }
        for number, name in enumerate(names)
    ]
    return json.dumps({"items": items})


class Machine:
    """A machine with some of kind and docker installed."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.build = directory / "build"
        self.engine = Switch(directory)
        self._patch = monkeypatch
        (directory / "clusters").touch()
        (directory / "calls").touch()
        (directory / "nodes").write_text(listed("a", "b"))
        bin_ = directory / "bin"
        bin_.mkdir()
        monkeypatch.setenv("STUBS", str(directory))
        monkeypatch.setenv("FAILING", "")
        # What the stubs need of the system, and neither a real kind nor a real docker.
        for name in ("cat", "sh"):
            (bin_ / name).symlink_to(f"/bin/{name}")
        monkeypatch.setenv("PATH", str(bin_))
        monkeypatch.delenv("KUBECONFIG", raising=False)

    def has(self, *programs: str, failing: str = "") -> None:
        for name in programs:
            path = self.directory / "bin" / name
            path.write_text(STUB)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self._patch.setenv("FAILING", failing)

    def kind(self, source: Source | None = None) -> Kind:
        return Kind(Progress(io.StringIO()), "t", self.build, source=source, engine=self.engine)

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


class Switch(Engine):
    """Our own Engine: it is there or it is not."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Progress(io.StringIO()), directory / "labs")
        self.done: list[str] = []
        self.containers: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        return {"DOCKER_HOST": "ours"}

    def up(self, *, for_up: bool = False) -> None:
        self.done.append(f"up, {for_up=}")
        self.state.mkdir(parents=True)
        (self.state / "made-by-up").touch()

    def runs(self) -> bool:
        return self.exists

    def busy(self) -> list[str]:
        return self.containers

    def down(self) -> None:
        self.done.append("down")


class Made(Source):
    """What would be built."""

    def __init__(self, directory: Path) -> None:
        self.keys = {"k3s:1": "one", "syncer:1": "two"}
        self._directory = directory

    def kind(self) -> str:
        return "kind"

    def node(self, docker: Mapping[str, str]) -> str:
        assert docker
        return "localhost/kind-node:made"

    def images(self, minors: Sequence[str]) -> list[Image]:
        assert minors == ()
        return [Image(tag, key, self._directory / tag) for tag, key in self.keys.items()]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("programs", "failing", "why"),
    [
        ((), "", "kind is not installed"),
        (("docker",), "", "kind is not installed"),
        (("kind",), "", "no Docker engine answers"),
        (("kind", "docker"), "docker-info", "no Docker engine answers"),
        (("kind", "docker"), PULL_FAILS, f"no registry answers for {TAG}"),
    ],
)
def test_without_any_of_them_the_lab_is_the_host_unless_kind_is_asked_for(
    programs: tuple[str, ...], failing: str, why: str, machine: Machine
) -> None:
    machine.has(*programs, failing=failing)
    said = io.StringIO()
    assert isinstance(job_host.choose(Progress(said), "t", "auto"), job_host.LabHost)
    assert f"host: the lab, since KUBECONFIG is not set and {why}" in said.getvalue()
    assert isinstance(job_host.choose(Progress(), "t", "kind"), Kind)
    assert isinstance(job_host.choose(Progress(), "t", "lab"), job_host.LabHost)
    assert not [call for call in machine.calls if call.startswith("kind ")]


@pytest.mark.parametrize(
    ("failing", "asked"),
    [
        ("", ["docker info", f"docker image inspect {IMAGE}"]),
        (
            "docker-image",
            ["docker info", f"docker image inspect {IMAGE}", f"docker pull --quiet {IMAGE}"],
        ),
    ],
)
def test_with_all_of_them_kind_is_the_host(
    failing: str, asked: list[str], machine: Machine
) -> None:
    machine.has("kind", "docker", failing=failing)
    assert isinstance(job_host.choose(Progress(), "t", "auto"), Kind)
    assert machine.calls == asked


def test_a_given_cluster_is_the_host_whatever_is_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("kind", "docker")
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    assert isinstance(job_host.choose(Progress(), "t", "kind"), job_host.Given)
    assert machine.calls == []


def test_a_cluster_is_made_once_and_gets_the_syncer_each_time(machine: Machine) -> None:
    machine.has("kind", "docker")
    cluster = machine.kind()
    cluster.prepare()
    file, kubeconfig = machine.build / "kind-t.yaml", machine.build / "kind-t.kubeconfig"
    dockerfile, context = REPO / "syncer" / "Dockerfile", "syncer-context"
    image = [
        f"docker build --tag {SYNCER_TAG} --file {dockerfile} {machine.build / context}",
        f"kind load docker-image --name t {SYNCER_TAG}",
    ]
    create = f"kind create cluster --name t --config {file} --kubeconfig {kubeconfig} --wait 2m"
    look = f"docker image inspect {IMAGE}"
    assert machine.calls == ["docker info", "kind get clusters", look, create, *image]
    assert (machine.build / context / "syncer" / "__main__.py").exists()
    assert list((machine.build / context / "wheels").iterdir()) == []
    cluster.prepare()
    wake = [
        "kind get nodes --name t",
        "docker start t-control-plane t-worker",
        f"kind export kubeconfig --name t --kubeconfig {kubeconfig}",
    ]
    assert machine.calls[6:] == ["docker info", "kind get clusters", *wake, *image]
    assert cluster.ours()
    cluster.remove()
    assert machine.calls[-1] == f"kind delete cluster --name t --kubeconfig {kubeconfig}"
    assert not cluster.ours()
    assert machine.engine.done == []


def test_without_a_registry_everything_is_made_here_and_loaded_once(machine: Machine) -> None:
    machine.has("kind", "docker", "kubectl", failing=PULL_FAILS)
    source = Made(machine.directory)
    cluster = machine.kind(source)
    cluster.prepare()
    made = yaml.safe_load((machine.build / "kind-t.yaml").read_text())
    assert [node["image"] for node in made["nodes"]] == ["localhost/kind-node:made"] * 2
    assert made["networking"] == {"disableDefaultCNI": True}
    kubeconfig = machine.build / "kind-t.kubeconfig"
    # Nodes without a network do not become ready: nobody waits for them here.
    create = f"kind create cluster --name t --config {machine.build}/kind-t.yaml"
    assert f"{create} --kubeconfig {kubeconfig}" in machine.calls
    assert "docker exec a ip route replace 10.244.1.0/24 via 198.19.128.1" in machine.calls
    assert "docker exec b ip route replace 10.244.0.0/24 via 198.19.128.0" in machine.calls
    assert not [call for call in machine.calls if call.startswith("docker build")]

    def loaded() -> list[str]:
        return [call.split()[-1] for call in machine.calls if " load image-archive " in call]

    archives = [str(machine.directory / tag / "image.tar") for tag in source.keys]
    assert loaded() == archives
    cluster.prepare()
    assert loaded() == archives
    source.keys["syncer:1"] = "three"
    before = cluster.images
    cluster.prepare()
    assert loaded() == [*archives, archives[1]]
    assert cluster.images != before


@pytest.mark.parametrize(
    ("others", "done", "deleted"),
    [
        ([], ["up, for_up=True", "down"], False),
        (["other-control-plane"], ["up, for_up=True"], True),
    ],
)
def test_an_engine_is_started_where_none_answers_and_goes_with_its_last_cluster(
    others: list[str],
    done: list[str],
    machine: Machine,
    *,
    deleted: bool,
) -> None:
    machine.has("kind", "docker", "kubectl", failing=f"docker-info {PULL_FAILS}")
    cluster = machine.kind(Made(machine.directory))
    cluster.prepare()
    made = yaml.safe_load((machine.build / "kind-t.yaml").read_text())
    # Reached from outside of the Engine's network: kubectl and helm need nothing but KUBECONFIG.
    assert made["networking"]["apiServerAddress"] == str(network.ADDRESS)
    assert made["networking"]["apiServerPort"] == -1
    machine.engine.containers = ["t-control-plane", "t-worker", *others]
    cluster.remove()
    assert machine.engine.done == done
    assert ((machine.directory / "clusters").read_text() == "") == deleted
    assert not cluster.begun


def test_a_cluster_that_was_half_made_is_made_again(machine: Machine) -> None:
    machine.has("kind", "docker")
    cluster = machine.kind()
    machine.build.mkdir()
    (machine.build / "kind-t.yaml").write_text("nodes: []\n")
    (machine.directory / "clusters").write_text("t\n")
    cluster.prepare()
    made = [call.split(" --")[0] for call in machine.calls if call.startswith("kind ")]
    first = ["kind get clusters", "kind delete cluster", "kind create cluster"]
    assert made[:3] == first


def test_an_engine_without_a_cluster_is_removed_as_well(machine: Machine) -> None:
    machine.has("kind", "docker", failing="docker-info")
    cluster = machine.kind()
    assert not cluster.ours()
    machine.engine.up(for_up=True)
    assert (cluster.begun, cluster.ours()) == (False, True)
    cluster.remove()
    assert machine.engine.done[-1] == "down"


def test_a_cluster_of_somebody_else_is_left_alone(machine: Machine) -> None:
    machine.has("kind", "docker")
    (machine.directory / "clusters").write_text("t\nother\n")
    cluster = machine.kind()
    with pytest.raises(
        LabError, match="cluster t that scripts/up did not make: take another --lab"
    ):
        cluster.prepare()
    assert not cluster.ours()
    assert machine.calls == ["docker info", "kind get clusters"]


@pytest.mark.parametrize("failing", ["kind-create", "docker-build", "kind-load"])
def test_what_fails_is_shown_in_its_own_words(failing: str, machine: Machine) -> None:
    machine.has("kind", "docker", failing=failing)
    program, _, command = failing.partition("-")
    with pytest.raises(LabError, match=f"`{program} {command}.*` ended with 1") as caught:
        machine.kind().prepare()
    assert f"{command}: stubbed failure" in str(caught.value)


@pytest.mark.parametrize(
    ("keep", "left", "k3s", "settings"),
    [
        (False, "", "", []),
        (True, "t-1.33\n", "1.16", ["--set=virtualCluster.image=rancher/k3s:v1.16.13-k3s1"]),
    ],
)
def test_a_host_of_kind_goes_even_if_what_ran_on_it_failed(
    left: str, k3s: str, settings: list[str], machine: Machine, *, keep: bool
) -> None:
    machine.has("kind", "docker")

    def use() -> None:
        with host.kind(
            Progress(io.StringIO()),
            "t",
            "1.33",
            k3s=k3s,
            earlier="1.32",
            keep=keep,
            directory=machine.build,
            engine=machine.engine,
        ) as made:
            assert (made.minor, made.settings) == ("1.33", settings)
            found = yaml.safe_load((machine.build / "kind-t-1.33.yaml").read_text())
            assert found["nodes"][0]["image"].startswith("kindest/node:v1.33.")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        use()
    assert (machine.directory / "clusters").read_text() == left


def test_an_engine_that_cannot_be_started_is_told(machine: Machine) -> None:
    machine.has("kind", "docker", failing="docker-info")

    class Refusing(Switch):
        def up(self, *, for_up: bool = False) -> None:
            raise LabError(f"run it as root {for_up=}")

    machine.engine = Refusing(machine.directory)
    with pytest.raises(LabError, match="run it as root for_up=True"):
        machine.kind().prepare()


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({}, {}),
        (
            {"address": "198.19.0.2"},
            {"networking": {"apiServerAddress": "198.19.0.2", "apiServerPort": -1}},
        ),
        ({"own_network": True}, {"networking": {"disableDefaultCNI": True}}),
        (
            {"kubelet": {"failCgroupV1": False}},
            {"kubeadmConfigPatches": [PATCH]},
        ),
    ],
)
def test_cluster_has_the_nodes_of_a_lab_all_of_one_image(
    given: dict[str, object], more: dict[str, object]
) -> None:
    text = config("an-image", **given)  # type: ignore[arg-type]
    assert yaml.safe_load(text) == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [
            {"role": "control-plane", "image": "an-image"},
            {"role": "worker", "image": "an-image"},
        ],
        **more,
    }
    assert has_own_network(text) == ("own_network" in given)


def test_every_preset_has_a_node_image_of_its_version() -> None:
    assert list(nodes()) == presets.minors()
    for minor, node in nodes().items():
        name, _, digest = node.image.partition("@")
        assert name.startswith(f"kindest/node:v{minor}.")
        assert len(digest) == len("sha256:") + 64
        # Kubelets learned of cgroup v2 in 1.19.
        assert (node.cgroup == "v2") == (presets.order(minor) >= (1, 19))
