"""What a user of the README sees, and with how few rights it can be installed."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Tenant
from tests.e2e.release import CHART, K3S_IMAGE, Release, Side, Virtual
from tests.e2e.session import BASELINE, Session
from tests.e2e.shell import Program

README = Path(__file__).parents[2] / "README.md"
SEEDS = Path(__file__).parents[1] / "chart" / "seeds"


def test_the_host_shows_coredns_and_the_control_plane_ready(release: Release) -> None:
    shown = release.host.kubectl("get", "po", "-n", release.namespace, "--no-headers").out
    rows = [line.split()[:3] for line in shown.splitlines()]
    coredns = [row for row in rows if row[0].startswith("coredns-")]
    assert ["virtualcluster-0", "2/2", "Running"] in rows
    assert len(coredns) == 1
    assert re.fullmatch(r"coredns-\w+-\w+-x-kube-system-x-virtualcluster", coredns[0][0])
    assert coredns[0][1:] == ["1/1", "Running"]
    assert len(rows) == 2, f"and nothing else: {rows}"


def test_the_namespace_enforces_pod_security_baseline(release: Release) -> None:
    labels = release.host.api.get("Namespace", release.namespace)["metadata"]["labels"]
    assert labels.items() >= BASELINE.items()


def _of_notes(tenant: Tenant) -> list[str]:
    """Return the commands that `helm install` printed."""
    return [line.strip() for line in tenant.notes.splitlines() if line.startswith("  ")]


def _of_readme(tenant: Tenant) -> list[str]:
    """Return the commands of the README, for the namespace of the tests."""
    lines = README.read_text().splitlines()
    commands = [line.removeprefix("$ ").removesuffix(" &") for line in lines if line[:2] == "$ "]
    return [
        each.replace("-n virtualcluster", f"-n {tenant.release.namespace}") for each in commands
    ]


@pytest.mark.parametrize("source", [_of_notes, _of_readme])
def test_the_commands_that_users_are_told_work_word_for_word(
    tenant: Tenant, tmp_path: Path, source: Callable[[Tenant], list[str]]
) -> None:
    commands = {" ".join(line.split()[:2]): line for line in source(tenant)}
    kubectl, namespace = tenant.release.host.kubectl, tenant.release.namespace
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8443)) == 0:
            pytest.skip("port 8443 of this machine is taken, and the commands name it")
    deletion = commands["helm delete"].split()
    assert deletion[:3] == ["helm", "delete", "virtualcluster"]
    assert deletion[4] == namespace
    shown = kubectl.shell(commands.get("kubectl get", "true"), cwd=tmp_path).out
    assert "virtualcluster-0" in shown or "kubectl get" not in commands
    kubectl.shell(commands["kubectl exec"], cwd=tmp_path)
    with _forward(kubectl, commands["kubectl port-forward"]):
        listed = kubectl.shell(commands["kubectl --kubeconfig"], cwd=tmp_path).out
    assert "kube-system" in listed
    assert namespace not in listed


class _forward:  # noqa: N801  a context, read like a function
    """Runs a port-forward command line on the port that it names, for as long as the block."""

    def __init__(self, kubectl: Program, line: str) -> None:
        self._words = line.split()[1:]
        self._kubectl = kubectl

    def __enter__(self) -> None:
        self._process = self._kubectl.start(*self._words)
        out = self._process.stdout
        assert out is not None
        first = out.readline()
        assert b"Forwarding from 127.0.0.1:8443" in first, first

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


def test_the_kubeconfig_is_in_a_secret_too(release: Release) -> None:
    """With the parts of it that are files for other programs, as far as its user has them."""
    kept = release.host.api.get("Secret", f"vc-{release.name}", release.namespace)
    data = {key: base64.b64decode(value) for key, value in kept["data"].items()}
    config = yaml.safe_load(data.pop("config"))
    shown = release.host.kubectl(
        *("exec", release.pod, "-n", release.namespace, "-c", "syncer"),
        *("--", "cat", "/root/.kube/config"),
    ).out
    assert config == yaml.safe_load(shown)
    (cluster,), (user,) = config["clusters"], config["users"]
    inside = yaml.safe_load(data.pop("config-in-cluster"))
    assert inside["clusters"][0]["cluster"]["server"].endswith(f"{release.namespace}.svc")
    assert inside["users"] == config["users"]
    parts = {"certificate-authority": cluster["cluster"]["certificate-authority-data"]}
    if "username" in user["user"]:  # what k3s before 1.19 gives its administrator
        assert user["user"].keys() == {"username", "password"}
    else:
        parts["client-certificate"] = user["user"]["client-certificate-data"]
        parts["client-key"] = user["user"]["client-key-data"]
    assert data == {name: base64.b64decode(value) for name, value in parts.items()}


def test_inside_is_a_cluster_of_the_hosts_version_with_its_own_nodes_and_namespaces(
    virt: Virtual, host: Side
) -> None:
    inside, outside = (side.api.json("GET", "/version")["gitVersion"] for side in (virt, host))
    asked = K3S_IMAGE.rpartition(":")[2] or outside  # another k3s is asked for by its image
    assert _minor(inside) == _minor(asked)
    namespaces = {each["metadata"]["name"] for each in virt.api.all("Namespace")}
    assert {"default", "kube-system", "kube-public", "kube-node-lease"} <= namespaces
    assert not [each for each in namespaces if each.startswith("e2e-")]
    host_nodes = {each["metadata"]["name"] for each in host.api.all("Node")}
    virt_nodes = virt.api.all("Node")
    assert virt_nodes
    assert {each["metadata"]["name"] for each in virt_nodes} <= host_nodes
    for node in virt_nodes:
        conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
        assert conditions["Ready"] == "True"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def test_the_chart_needs_no_cluster_scoped_object(tenant: Tenant) -> None:
    manifest = tenant.release.helm()(
        "get", "manifest", "virtualcluster", "-n", tenant.release.namespace
    )
    kinds = {each["kind"] for each in yaml.safe_load_all(manifest.out) if each}
    assert "StatefulSet" in kinds
    assert not [kind for kind in kinds if kind.startswith("Cluster")]


@pytest.mark.parametrize("seed", sorted(SEEDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_values_that_users_already_have_are_accepted_by_the_host(
    seed: Path, session: Session, release: Release
) -> None:
    """Their images run only on hosts of their age; everything else is judged by this one."""
    helm = Release(session.host, "seeds", release.namespace, session.scratch).helm()
    said = helm(
        *("install", "seeds", str(CHART), "--namespace", release.namespace),
        *("--values", str(seed), "--dry-run=server"),
    ).out
    user = yaml.safe_load(seed.read_text())
    assert user["virtualCluster"]["image"] in said
    for argument in user["virtualCluster"].get("extraArgs", []):
        assert argument in said
    assert f"storage: {user['storage']['size']}" in said


def test_everything_of_a_release_is_found_by_its_names(release: Release) -> None:
    """The README promises these names; scripts of users rely on them."""
    api, namespace = release.host.api, release.namespace
    stateful = api.get("StatefulSet", "virtualcluster", namespace)
    containers = [each["name"] for each in stateful["spec"]["template"]["spec"]["containers"]]
    assert containers == ["virtual-cluster", "syncer"]
    assert api.find("Service", "virtualcluster", namespace)
    assert api.find("PersistentVolumeClaim", "virtualcluster-data", namespace)
