"""What the chart's own pods may do on their node: as little as k3s' files allow.

Judged on what Helm renders, for old hosts and new ones, with the defaults and with the values that
add the most. What the host's own admission would say is asked of the syncer's table, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncer.translate.podsecurity import violations
from tools.rendering import CHART, Document, pods, template

HOSTS = ["v1.16.13", "v1.18.6", "v1.30.14", "v1.36.1"]
RESTRICTED = [f"--values={CHART / 'ci' / 'restricted-values.yaml'}"]
MOST = [
    "--set=ingress.enabled=true,ingress.host=api.example,networkPolicy.enabled=true",
    "--set=sync.nodes.enabled=true,virtualCluster.scheduler.enabled=true",
    "--set=sync.endpoints.enabled=true,sync.pods.ephemeralContainers=true",
    "--set=storage.persistence=false,isolation.podSecurityStandard=privileged",
]
REPLICATED = [
    "--set=virtualCluster.replicas=3,virtualCluster.datastore.existingSecret=db",
    "--set=virtualCluster.datastore.caKey=ca,virtualCluster.datastore.certKey=cert",
    "--set=virtualCluster.datastore.keyKey=key",
]
VALUES = {"default": [], "restricted": RESTRICTED, "most": MOST, "replicated": REPLICATED}
OF_K3S = ("virtual-cluster", "syncer")
"""Containers that need k3s' files, which belong to whoever k3s runs as."""
WITH_TOKEN = ("discover", "syncer")
HELD = {"host-token": {"discover", "syncer"}, "datastore-tls": {"virtual-cluster"}}
"""Volumes with credentials → who mounts them."""
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
WRITABLE = {
    "discover": {"/tmp"},
    "preflight": set(),
    "syncer": {"/root", "/root/.kube", "/tmp"},
    "virtual-cluster": {"/data", "/k3s-config", "/etc/rancher", "/run", "/tmp", "/var"},
}

Pods = dict[str, Document]


@pytest.fixture(scope="module", params=[f"{h} {v}" for h in HOSTS for v in VALUES])
def made(request: pytest.FixtureRequest) -> Pods:
    host, _, values = str(request.param).partition(" ")
    return pods(template(host, *VALUES[values]))


@pytest.fixture(params=VALUES)
def values(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def containers(made: Pods) -> Iterator[tuple[Document, Document]]:
    """Yield every container with its pod."""
    for pod in made.values():
        for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            yield pod, each


def effective(pod: Document, container: Document, field: str) -> Any:
    contexts = (container.get("securityContext", {}), pod["spec"].get("securityContext", {}))
    return next((each[field] for each in contexts if field in each), None)


def test_all_that_runs_is_known(made: Pods) -> None:
    """What follows would hold for no container as well."""
    names = {each["name"] for _, each in containers(made)}
    assert names | {"preflight"} == set(WRITABLE)
    assert names >= {*OF_K3S, *WITH_TOKEN}


def test_nobody_gets_more_than_root_file_system_and_capabilities_of_nothing(made: Pods) -> None:
    for _, each in containers(made):
        context = each["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, each["name"]
        assert context["readOnlyRootFilesystem"] is True, each["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, each["name"]
        assert "privileged" not in context, each["name"]


def test_system_calls_are_filtered(made: Pods) -> None:
    for pod in made.values():
        field = pod["spec"]["securityContext"].get("seccompProfile")
        told = (pod["metadata"].get("annotations") or {}).get(
            "seccomp.security.alpha.kubernetes.io/pod"
        )
        assert (field, told) in [({"type": "RuntimeDefault"}, None), (None, "runtime/default")]


def test_nothing_of_the_node_is_shared(made: Pods) -> None:
    for pod in made.values():
        assert not {"hostNetwork", "hostPID", "hostIPC", "nodeName"} & set(pod["spec"])
        kinds = {kind for v in pod["spec"].get("volumes", ()) for kind in v if kind != "name"}
        assert kinds <= {"emptyDir", "persistentVolumeClaim", "projected", "secret"}
    for _, each in containers(made):
        assert not [port for port in each.get("ports", ()) if "hostPort" in port]


@pytest.mark.parametrize("host", HOSTS)
def test_only_what_reads_k3s_files_is_root(host: str, values: str) -> None:
    made = pods(template(host, *VALUES[values]))
    root = {
        each["name"]
        for pod, each in containers(made)
        if effective(pod, each, "runAsUser") in (0, None)
        or effective(pod, each, "runAsNonRoot") is not True
    }
    assert root == (set() if values == "restricted" else set(OF_K3S))


def test_the_hosts_token_is_the_syncers_alone(made: Pods) -> None:
    for name, pod in made.items():
        automatic = pod["spec"]["automountServiceAccountToken"]
        assert automatic == name.endswith("-preflight")  # one container, and ours
        credentials = {
            v["name"] for v in pod["spec"].get("volumes", ()) if {"projected", "secret"} & set(v)
        }
        assert credentials <= set(HELD)
        for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            mounts = {m["mountPath"]: m for m in each.get("volumeMounts", ())}
            held = [m for m in mounts.values() if m["name"] in credentials]
            assert {m["name"] for m in held} == {
                name for name in credentials if each["name"] in HELD[name]
            }
            assert all(m["readOnly"] for m in held)
            assert (MOUNT in mounts) == (each["name"] in WITH_TOKEN)


def test_each_writes_where_it_must_and_nowhere_else(made: Pods) -> None:
    for _, each in containers(made):
        writable = {m["mountPath"] for m in each.get("volumeMounts", ()) if not m.get("readOnly")}
        assert writable == WRITABLE[each["name"]], each["name"]


@pytest.mark.parametrize("host", ["v1.30.14", "v1.36.1"])
def test_pod_security_finds_nothing_but_root(host: str, values: str) -> None:
    made = pods(template(host, *VALUES[values]))
    found = {text for pod in made.values() for text in violations(pod["spec"], "restricted")}
    by_root = {"the pod must not set runAsUser=0"}
    for name in OF_K3S:
        by_root |= {f"container {name} must set runAsNonRoot=true"}
        by_root |= {f"container {name} must not set runAsUser=0"}
    assert found == (set() if values == "restricted" else by_root)
    assert [text for pod in made.values() for text in violations(pod["spec"], "baseline")] == []


@pytest.mark.parametrize(
    ("weaker", "found"),
    [
        ("securityContext.allowPrivilegeEscalation=true", "allowPrivilegeEscalation"),
        ("securityContext.capabilities.add={SYS_ADMIN}", "capability SYS_ADMIN"),
        ("podSecurityContext.runAsNonRoot=false", "runAsNonRoot"),
        ("podSecurityContext.seccompProfile.type=Unconfined", "unconfined by seccomp"),
    ],
)
def test_a_weaker_pod_would_be_found(weaker: str, found: str) -> None:
    (pod,) = pods(
        template("v1.36.1", *RESTRICTED, "--set=preflight.enabled=false", f"--set={weaker}")
    ).values()
    assert any(found in text for text in violations(pod["spec"], "restricted"))
