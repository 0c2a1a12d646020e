"""scripts/up with kind: when it is chosen, what it is asked for, and what is refused.

kind and docker are stubs on PATH that write down how they were called and answer as they are told.
"""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
import yaml

from lab import job_host, job_kind
from lab.errors import LabError
from lab.images import SYNCER_TAG
from lab.job_kind import Kind
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.hosts import host, presets

STUB = """#!/bin/sh
echo "${0##*/} $*" >> "$STUBS/calls"
case " $FAILING " in *" ${0##*/}-$1 "*) echo "$1: stubbed failure" >&2; exit 1 ;; esac
case "${0##*/} $1 $2" in
"kind get clusters") cat "$STUBS/clusters" ;;
"kind create cluster")
  echo "$4" >> "$STUBS/clusters"
  while [ $# -gt 1 ]; do [ "$1" = --kubeconfig ] && echo made > "$2"; shift; done ;;
"kind delete cluster") : > "$STUBS/clusters" ;;
esac
"""


class Machine:
    """A machine with some of kind and docker installed."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.build = directory / "build"
        self._patch = monkeypatch
        (directory / "clusters").touch()
        (directory / "calls").touch()
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

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


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
        (("kind", "docker"), "docker-manifest", "no registry answers for kindest/node:v1.34"),
    ],
)
def test_without_any_of_them_the_lab_is_the_host_and_kind_is_refused(
    programs: tuple[str, ...], failing: str, why: str, machine: Machine
) -> None:
    machine.has(*programs, failing=failing)
    said = io.StringIO()
    assert isinstance(job_host.choose(Progress(said), "t", "auto"), job_host.LabHost)
    assert f"host: the lab, since KUBECONFIG is not set and {why}" in said.getvalue()
    with pytest.raises(LabError, match=f"--host kind: {why}"):
        job_host.choose(Progress(), "t", "kind")
    assert isinstance(job_host.choose(Progress(), "t", "lab"), job_host.LabHost)
    assert not [call for call in machine.calls if call.startswith("kind ")]


@pytest.mark.parametrize("wanted", ["auto", "kind"])
def test_with_all_of_them_kind_is_the_host(wanted: str, machine: Machine) -> None:
    machine.has("kind", "docker")
    assert isinstance(job_host.choose(Progress(), "t", wanted), Kind)
    image = job_kind.nodes()[DEFAULT_KUBERNETES].image.partition("@")[0]
    assert machine.calls == ["docker info", f"docker manifest inspect {image}"]


def test_a_given_cluster_is_the_host_whatever_is_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("kind", "docker")
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    assert isinstance(job_host.choose(Progress(), "t", "kind"), job_host.Given)
    assert machine.calls == []


def test_a_cluster_is_made_once_and_gets_the_syncer_each_time(machine: Machine) -> None:
    machine.has("kind", "docker")
    cluster = Kind(Progress(), "t", machine.build)
    cluster.prepare()
    config, kubeconfig = machine.build / "kind-t.yaml", machine.build / "kind-t.kubeconfig"
    dockerfile, context = REPO / "syncer" / "Dockerfile", "syncer-context"
    image = [
        f"docker build --tag {SYNCER_TAG} --file {dockerfile} {machine.build / context}",
        f"kind load docker-image --name t {SYNCER_TAG}",
    ]
    create = f"kind create cluster --name t --wait 2m --config {config} --kubeconfig {kubeconfig}"
    assert machine.calls == ["kind get clusters", create, *image]
    assert (machine.build / context / "syncer" / "__main__.py").exists()
    assert list((machine.build / context / "wheels").iterdir()) == []
    cluster.prepare()
    assert machine.calls[4:] == ["kind get clusters", *image]
    assert cluster.ours()
    cluster.remove()
    assert machine.calls[-1] == f"kind delete cluster --name t --kubeconfig {kubeconfig}"
    assert not cluster.ours()


def test_a_cluster_of_somebody_else_is_left_alone(machine: Machine) -> None:
    machine.has("kind", "docker")
    (machine.directory / "clusters").write_text("t\nother\n")
    cluster = Kind(Progress(), "t", machine.build)
    with pytest.raises(
        LabError, match="cluster t that scripts/up did not make: take another --lab"
    ):
        cluster.prepare()
    assert not cluster.ours()
    assert machine.calls == ["kind get clusters"]


@pytest.mark.parametrize("failing", ["kind-create", "docker-build", "kind-load"])
def test_what_fails_is_shown_in_its_own_words(failing: str, machine: Machine) -> None:
    machine.has("kind", "docker", failing=failing)
    program, _, command = failing.partition("-")
    with pytest.raises(LabError, match=f"`{program} {command}.*` ended with 1") as caught:
        Kind(Progress(), "t", machine.build).prepare()
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
            Progress(), "t", "1.33", k3s=k3s, earlier="1.32", keep=keep, directory=machine.build
        ) as made:
            assert (made.minor, made.settings) == ("1.33", settings)
            config = yaml.safe_load((machine.build / "kind-t-1.33.yaml").read_text())
            assert config["nodes"][0]["image"].startswith("kindest/node:v1.33.")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        use()
    assert (machine.directory / "clusters").read_text() == left


def test_a_host_of_kind_that_cannot_be_is_told(machine: Machine) -> None:
    machine.has("docker")
    with (
        pytest.raises(LabError, match="--host kind: kind is not installed"),
        host.kind(Progress(), "t", "1.34", k3s="", earlier="", keep=False, directory=machine.build),
    ):
        pass


def test_cluster_has_the_nodes_of_a_lab_all_of_one_version() -> None:
    node = job_kind.nodes()["1.34"]
    made = yaml.safe_load(job_kind.config(node))
    assert made == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [
            {"role": "control-plane", "image": node.image},
            {"role": "worker", "image": node.image},
        ],
    }


def test_every_preset_has_a_node_image_of_its_version() -> None:
    nodes = job_kind.nodes()
    assert list(nodes) == presets.minors()
    for minor, node in nodes.items():
        name, _, digest = node.image.partition("@")
        assert name.startswith(f"kindest/node:v{minor}.")
        assert len(digest) == len("sha256:") + 64
        # Kubelets learned of cgroup v2 in 1.19.
        assert (node.cgroup == "v2") == (presets.order(minor) >= (1, 19))
