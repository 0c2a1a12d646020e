"""The whole host pod: what it is made of, and what never gets into it."""

from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from syncer.translate import pods, resize
from syncer.translate.pods import ephemeral_containers, to_host
from tests.unit.build import DNS_IP, IDENT, SCOPE, container, host_name, pod, service

RAW = "somebodys-x-default-x-other"
TOKEN = {"serviceAccountToken": {"path": "token"}}


def _spec(**spec: Any) -> Obj:
    made: Obj = to_host(pod(**spec), [], DNS_IP, SCOPE)["spec"]
    return made


def test_smallest_pod() -> None:
    made = to_host(pod(), [], DNS_IP, SCOPE)
    (main,) = made["spec"].pop("containers")
    metadata = IDENT.metadata(Key("pods", "default", "web"), pod(), controller=True)
    size = {resize.SIZES: resize.digest(pod())}
    assert made == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "annotations": {**metadata["annotations"], **size}},
        "spec": {
            "automountServiceAccountToken": False,
            "dnsConfig": {
                "nameservers": [DNS_IP],
                "searches": [
                    "default.svc.cluster.local",
                    "svc.cluster.local",
                    "cluster.local",
                ],
                "options": [{"name": "ndots", "value": "5"}],
            },
            "dnsPolicy": "None",
            "enableServiceLinks": False,
            "hostname": "web",
            "serviceAccountName": "vc-workload",
            "terminationGracePeriodSeconds": 30,
        },
    }
    assert main["image"] == "busybox:1.36"
    assert {each["name"] for each in main["env"]} >= {"KUBERNETES_SERVICE_HOST"}


@pytest.mark.parametrize(
    "spec",
    [
        {"activeDeadlineSeconds": 5},
        {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}]},
        {"hostUsers": False},
        {"hostname": "another"},
        {"nodeSelector": {"disk": "ssd"}},
        {"os": {"name": "linux"}},
        {"restartPolicy": "Never"},
        {"securityContext": {"runAsUser": 1000, "fsGroup": 1}},
        {"shareProcessNamespace": True},
        {"resources": {"limits": {"cpu": "1"}}},
    ],
)
def test_field_is_copied(spec: Obj) -> None:
    assert _spec(**spec).items() >= spec.items()


@pytest.mark.parametrize(
    "spec",
    [
        {"serviceAccountName": "host-admin", "serviceAccount": "host-admin"},  # B1
        {"automountServiceAccountToken": True},
        {"enableServiceLinks": True},
        {"priorityClassName": "system-cluster-critical"},  # A11
        {"priority": 2000000000},
        {"preemptionPolicy": "PreemptLowerPriority"},
        {"schedulerName": "mine"},  # A12
        {"overhead": {"cpu": "1"}},
        {"readinessGates": [{"conditionType": "x"}]},
        {"subdomain": "web"},
        {"tolerations": [{"operator": "Exists"}]},  # A10
        {"schedulingGates": []},
    ],
)
def test_field_of_the_tenant_leaves_no_trace(spec: Obj) -> None:
    assert _spec(**spec) == _spec()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "hostPath"),  # A1
        ({"hostNetwork": True}, "hostNetwork"),  # A2
        ({"hostPID": True}, "hostPID"),
        ({"hostIPC": True}, "hostIPC"),
        ({"containers": [container(securityContext={"privileged": True})]}, "privileged"),
        ({"initContainers": [container(securityContext={"privileged": True})]}, "privileged"),
        (
            {"containers": [container(livenessProbe={"httpGet": {"port": 1, "host": "x"}})]},
            "host",
        ),  # A3
        ({"initContainers": [container(startupProbe={"tcpSocket": {"host": "x"}})]}, "host"),
        ({"volumes": [{"name": "v", "gitRepo": {"repository": "r"}}]}, "gitRepo"),  # A4
        ({"volumes": [{"name": "v", "csi": {"driver": "d"}}]}, "csi"),  # A5
        ({"volumes": [{"name": "v", "nfs": {"server": "s"}}]}, "nfs"),
        ({"resourceClaims": [{"name": "gpu"}]}, "resourceClaims"),  # A8
        ({"hostnameOverride": "host"}, "hostnameOverride"),
        ({"fieldOfTheFuture": {"x": 1}}, "fieldOfTheFuture"),
        ({"containers": [container(fieldOfTheFuture=1)]}, "fieldOfTheFuture"),
        ({"runtimeClassName": "kata"}, "runtimeClassName"),  # A12
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"clusterTrustBundle": {}}]}}]},
            "clusterTrustBundle",
        ),  # B2
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "sysctl"),
    ],
)
def test_pod_is_refused_with_the_cause_and_never_reaches_the_host(spec: Obj, text: str) -> None:
    with pytest.raises(Refused, match=text):
        to_host(pod(**spec), [], DNS_IP, SCOPE)


@pytest.mark.parametrize(
    ("spec", "copies", "expected"),
    [
        ({"runtimeClassName": "kata"}, {"runtimeclasses kata"}, {"runtimeClassName": "kata"}),
        ({"priorityClassName": "high"}, {"priorityclasses high"}, {"priorityClassName": "high"}),
        ({"priorityClassName": "high", "priority": 7}, set(), {}),
        ({"priorityClassName": "high"}, {"runtimeclasses high"}, {}),
        ({"runtimeClassName": ""}, set(), {}),
    ],
)
def test_pod_names_the_classes_that_are_the_hosts(
    spec: Obj, copies: set[str], expected: Obj
) -> None:
    made = to_host(
        pod(**spec),
        [],
        DNS_IP,
        SCOPE,
        hosts_class=lambda kind, name: f"{kind} {name}" in copies,
    )
    assert made["spec"] == {**_spec(), **expected}


def test_runtime_class_that_is_not_the_hosts_is_refused_among_others() -> None:
    """Threats A12."""
    with pytest.raises(Refused, match="runtimeClassName"):
        to_host(
            pod(runtimeClassName="own"), [], DNS_IP, SCOPE, hosts_class=lambda kind, _: kind == "x"
        )


def test_node_name_becomes_an_affinity() -> None:
    """Threats A9."""
    made = _spec(nodeName="node-1")
    assert "nodeName" not in made
    assert "node-1" in str(made["affinity"])


@pytest.mark.parametrize(("wish", "grace"), [(None, 30), (0, 0), (10, 10), (2**31, 3600)])
def test_grace_is_bounded(wish: int | None, grace: int) -> None:
    """Threats J2."""
    spec: dict[str, Any] = {} if wish is None else {"terminationGracePeriodSeconds": wish}
    assert _spec(**spec)["terminationGracePeriodSeconds"] == grace


@pytest.mark.parametrize(
    ("name", "hostname"),
    [("web-0", "web-0"), ("a.b", "a-b"), ("n" * 70, "n" * 63), ("n" * 62 + "-0", "n" * 62)],
)
def test_hostname_is_the_virtual_pods_name(name: str, hostname: str) -> None:
    assert to_host(pod(name), [], DNS_IP, SCOPE)["spec"]["hostname"] == hostname


def _config(**more: Any) -> Obj:
    searches = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    return {
        "nameservers": [DNS_IP],
        "searches": searches,
        "options": [{"name": "ndots", "value": "5"}],
        **more,
    }


@pytest.mark.parametrize(
    ("spec", "policy", "config"),
    [
        ({}, "None", _config()),
        ({"dnsPolicy": "ClusterFirst"}, "None", _config()),
        ({"dnsPolicy": "ClusterFirstWithHostNet"}, "None", _config()),
        ({"dnsPolicy": "Default"}, "Default", None),
        (
            {"dnsPolicy": "Default", "dnsConfig": {"searches": ["x"]}},
            "Default",
            {"searches": ["x"]},
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}},
            "None",
            {"nameservers": ["1.1.1.1"]},
        ),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1", DNS_IP, "2.2.2.2", "3.3.3.3"]}},
            "None",
            _config(nameservers=[DNS_IP, "1.1.1.1", "2.2.2.2"]),
        ),
        (
            {"dnsConfig": {"options": [{"name": "ndots", "value": "1"}, {"name": "edns0"}]}},
            "None",
            _config(options=[{"name": "ndots", "value": "1"}, {"name": "edns0"}]),
        ),
        (
            {"dnsConfig": {"searches": ["corp.example", "cluster.local"]}},
            "None",
            _config(searches=[*_config()["searches"], "corp.example"]),
        ),
    ],
)
def test_dns_is_what_the_pods_policy_gives_inside(
    spec: Obj, policy: str, config: Obj | None
) -> None:
    made = _spec(**spec)
    assert (made["dnsPolicy"], made.get("dnsConfig")) == (policy, config)


def test_dns_of_a_cluster_with_a_domain_of_its_own() -> None:
    scope = SCOPE._replace(cluster_domain="corp")
    made = to_host(pod(namespace="shop"), [], DNS_IP, scope)["spec"]
    assert made["dnsConfig"]["searches"] == ["shop.svc.corp", "svc.corp", "corp"]


@pytest.mark.parametrize(("links", "named"), [(None, True), (True, True), (False, False)])
def test_services_are_named_unless_the_pod_wants_no_links(
    links: bool | None,  # noqa: FBT001
    named: bool,  # noqa: FBT001
) -> None:
    spec: dict[str, Any] = {} if links is None else {"enableServiceLinks": links}
    made = to_host(pod(**spec), [service("db")], DNS_IP, SCOPE)["spec"]
    names = {each["name"] for each in made["containers"][0]["env"]}
    assert ("DB_SERVICE_HOST" in names) is named
    assert "KUBERNETES_SERVICE_HOST" in names


# --- ephemeral containers


def test_ephemeral_container_is_mapped_like_all_others() -> None:
    source = container(
        name="debug", targetContainerName="main", envFrom=[{"secretRef": {"name": RAW}}]
    )
    virt = pod(ephemeralContainers=[source])
    (made,) = ephemeral_containers(virt, to_host(pod(), [], DNS_IP, SCOPE), SCOPE)
    assert made["targetContainerName"] == "main"
    assert made["envFrom"] == [{"secretRef": {"name": host_name("secrets", RAW)}}]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"securityContext": {"privileged": True}}, "privileged"),
        ({"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}, "SYS_PTRACE"),
        ({"livenessProbe": {"httpGet": {"port": 1, "host": "x"}}}, "host"),
        ({"fieldOfTheFuture": 1}, "fieldOfTheFuture"),
    ],
)
def test_ephemeral_container_is_judged_like_all_others(fields: Obj, text: str) -> None:
    """Threats A6."""
    virt = pod(ephemeralContainers=[container(name="debug", **fields)])
    with pytest.raises(Refused, match=text):
        ephemeral_containers(virt, to_host(pod(), [], DNS_IP, SCOPE), SCOPE)


def test_ephemeral_containers_are_never_part_of_a_new_pod() -> None:
    assert "ephemeralContainers" not in _spec(ephemeralContainers=[container(name="debug")])


def test_pod_of_another_kind_of_key_has_the_same_place() -> None:
    assert pods.key(pod("a", "b")) == Key("pods", "b", "a")
