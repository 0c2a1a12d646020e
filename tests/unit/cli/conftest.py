"""A host with one virtual cluster `dev` in namespace `team-x`, and the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from syncer.backup.create import About, backup
from syncer.kube.objects import Obj
from tests.unit.cli.fake_volume import Volume
from tests.unit.cli.fakes import LABELS, READY, Pki, Served, admin_secret, coredns, kubeconfig
from tests.unit.k3s_state import State
from virtualcluster_cli.main import main

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def host() -> Iterator[Served]:
    with Served("host-uid") as served:
        served.create("namespaces", "", metadata={"name": "team-x"})
        yield served


@pytest.fixture
def virt(pki: Pki) -> Iterator[Served]:
    with Served("virt-uid", pki.tls) as served:
        served.create("namespaces", "", metadata={"name": "default"})
        yield served


@pytest.fixture
def dev(host: Served, virt: Served, pki: Pki) -> Obj:
    """The virtual cluster, ready; returns its StatefulSet."""
    host.create("configmaps", "team-x", metadata={"name": "dev-anchor"})
    host.create("secrets", "team-x", metadata={"name": "vc-dev"}, data=admin_secret(pki, "dev"))
    host.create("pods", "team-x", metadata={"name": "dev-0", "labels": LABELS}, status=READY)
    host.api.behind["dev-0", 8443] = lambda: virt.port
    return host.create("statefulsets", "team-x", **statefulset())


def statefulset(name: str = "dev", **spec: Any) -> Obj:
    containers = [
        {"name": "virtual-cluster", "image": "rancher/k3s:v1.34.4-k3s1"},
        {"name": "syncer", "image": "virtualcluster/syncer:0.1.0", "args": ["run"]},
    ]
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": f"{name}-data"}}]
    template = {"spec": {"containers": containers, "volumes": volumes}}
    return {
        "metadata": {"name": name, "labels": LABELS},
        "spec": {"replicas": 1, "template": template, **spec},
    }


@pytest.fixture
def config(host: Served, tmp_path: Path) -> Path:
    return kubeconfig(tmp_path / "kubeconfig", host.api.url)


@pytest.fixture
def cli(config: Path, tmp_path: Path) -> Run:
    """The command line as its users call it; keywords are more environment variables."""
    env = {
        "KUBECONFIG": str(config),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "KUBERNETES_SERVICE_HOST": "",
        "VIRTUALCLUSTER_CHART": "",
        "COLUMNS": "200",
        "PATH": os.environ["PATH"],
    }

    def run(*args: str, **more: str) -> Result:
        return CliRunner().invoke(main, args, env={**env, **more}, prog_name="virtualcluster")

    return run


@pytest.fixture
def volume(host: Served, dev: Obj, tmp_path: Path) -> Volume:
    """The volume of `dev`, whose chart says where it is mounted."""
    made = Volume(tmp_path, host)
    flag = f"--k3s-data-dir={made.data_dir}"
    dev["spec"]["template"]["spec"]["containers"][1]["args"].append(flag)
    host.create("persistentvolumeclaims", "team-x", metadata={"name": "dev-data"}, spec={})
    host.create(
        "configmaps",
        "team-x",
        metadata={"name": "dev-discovered"},
        data={"K3S_VERSION": "1.34.3"},
    )
    coredns(host, "coredns-dev")
    return made


@pytest.fixture
def k3s(volume: Volume) -> Iterator[State]:
    volume.k3s = State(volume.data_dir)
    # More than one message of either direction takes, also when it is packed.
    volume.k3s.put("/registry/configmaps/default/large", os.urandom(400_000).hex())
    yield volume.k3s
    volume.k3s.stop()


@pytest.fixture
def saved(k3s: State, tmp_path: Path) -> Path:
    """A backup, without the detour through the command line."""
    file = tmp_path / "dev.tar.gz"
    k3s.put("/registry/configmaps/default/kept")
    with file.open("wb") as out:
        backup(out, k3s.data_dir, About("dev", "team-x", "1.34.3"), tmp_path)
    return file
