"""What became of each field, on objects that the syncer's own translation made."""

from __future__ import annotations

from syncer.identity import tenant_key
from syncer.translate import pods, services
from tests.unit.build import DNS_IP, SCOPE, container, pod, service
from virtualcluster_cli.compare import Field, fields

TOLERATIONS = [
    {"key": "node.kubernetes.io/not-ready", "operator": "Exists"},
    {"key": "pool", "operator": "Exists"},
]


def found(rows: list[Field]) -> dict[str, str]:
    return {each.path: each.outcome for each in rows}


def test_a_plain_pod() -> None:
    virt = pod(metadata={"labels": {"app": "web"}, "annotations": {"a": "b"}})
    rows = found(fields("pods", virt, pods.to_host(virt, [], DNS_IP, SCOPE)))
    assert rows["metadata.labels[app]"] == "mapped"
    assert rows["metadata.annotations[a]"] == "dropped"
    assert rows["spec.serviceAccountName"] == "added"
    assert rows["spec.dnsConfig"] == "added"
    assert rows["containers[main].env"] == "added"
    assert "containers[main].image" not in rows
    assert "spec.containers" not in rows


def test_the_key_that_a_label_has_on_the_host_is_told() -> None:
    virt = pod(metadata={"labels": {"app": "web"}})
    (row,) = (each for each in fields("pods", virt, None) if "labels" in each.path)
    assert row.host == f"{tenant_key('app')}=web"


def test_each_outcome() -> None:
    virt = pod(
        tolerations=TOLERATIONS,
        priority=1000,
        nodeSelector={"zone": "a"},
        subdomain="web",
        volumes=[{"name": "v", "configMap": {"name": "conf"}}, {"name": "tmp", "emptyDir": {}}],
    )
    rows = found(fields("pods", virt, pods.to_host(virt, [], DNS_IP, SCOPE)))
    assert rows["spec.tolerations"] == "mapped"
    assert rows["spec.priority"] == "dropped"
    assert rows["spec.subdomain"] == "dropped"
    assert rows["volumes[v].configMap"] == "mapped"
    assert "spec.nodeSelector" not in rows  # mapped to the same
    assert "volumes[tmp].emptyDir" not in rows


def test_a_mapped_field_of_which_nothing_is_left_is_dropped() -> None:
    virt = pod(tolerations=TOLERATIONS[1:])
    rows = found(fields("pods", virt, pods.to_host(virt, [], DNS_IP, SCOPE)))
    assert rows["spec.tolerations"] == "dropped"


def test_without_a_twin_what_would_be_refused_is_seen() -> None:
    virt = pod(resourceClaims=[{"name": "gpu"}], fromTheFuture=True)
    rows = {each.path: each for each in fields("pods", virt, None)}
    assert (rows["spec.resourceClaims"].outcome, rows["spec.fromTheFuture"].outcome) == (
        "refused",
        "refused",
    )
    assert "devices" in rows["spec.resourceClaims"].why
    assert "does not know" in rows["spec.fromTheFuture"].why


def test_an_edited_copy_differs() -> None:
    virt = pod(containers=[container(image="a")])
    host = pods.to_host(virt, [], DNS_IP, SCOPE)
    virt["spec"]["containers"][0]["image"] = "b"
    (row,) = (each for each in fields("pods", virt, host) if each.outcome == "differs")
    assert (row.path, row.inside, row.host) == ("containers[main].image", "b", "a")


def test_what_the_host_defaults_in_is_no_difference() -> None:
    virt = pod()
    host = pods.to_host(virt, [], DNS_IP, SCOPE)
    host["spec"]["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    host["spec"]["schedulerName"] = "default-scheduler"
    assert not [each for each in fields("pods", virt, host) if each.outcome == "differs"]


def test_an_init_container_of_the_syncers_is_seen() -> None:
    virt = pod(subdomain="web", hostname="web-0")
    scope = SCOPE._replace(hosts_image="virtualcluster/syncer:0.1.0")
    rows = found(fields("pods", virt, pods.to_host(virt, [], DNS_IP, scope)))
    assert [outcome for path, outcome in rows.items() if path.startswith("initContainers[")] == [
        "added"
    ]


def test_a_service() -> None:
    virt = service(externalIPs=["1.2.3.4"], clusterIPs=["10.96.0.50"])
    rows = found(fields("services", virt, services.to_host(virt, SCOPE, None)))
    assert rows == {
        "spec.externalIPs": "dropped",
        "spec.clusterIPs": "dropped",
        "spec.selector": "mapped",
    }


def test_what_has_no_spec_has_only_metadata() -> None:
    virt = {"metadata": {"name": "x", "finalizers": ["a/b"], "ownerReferences": [{"name": "y"}]}}
    assert found(fields("configmaps", virt, None)) == {
        "metadata.finalizers": "dropped",
        "metadata.ownerReferences": "dropped",
    }
