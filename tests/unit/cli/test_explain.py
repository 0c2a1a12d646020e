"""`explain`, from both sides, on what the syncer's own translation made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncer import identity
from syncer.identity import Identity
from syncer.kube.objects import Key, Obj
from syncer.kube.recorder import COMPONENT
from syncer.translate import pods
from syncer.translate.context import Scope
from tests.unit.build import container, pod
from tests.unit.cli.conftest import Run, statefulset
from tests.unit.cli.fakes import Served, kubeconfig
from tests.unit.fake_objects import NOW

pytestmark = pytest.mark.usefixtures("dev")


def ident(host: Served) -> Identity:
    anchor = host.api.objects.find("configmaps", "team-x", "dev-anchor")
    assert anchor
    return Identity("team-x", "dev", anchor["metadata"]["uid"])


def inside(virt: Served, plural: str, name: str, namespace: str = "shop", **fields: Any) -> Obj:
    more = fields.pop("metadata", {})
    return virt.create(plural, namespace, metadata={"name": name, **more}, **fields)


def mirror(host: Served, virt_pod: Obj, **status: Any) -> Obj:
    """Make a pod's twin as the syncer does."""
    scope = Scope(ident(host), "dev-workload", "10.96.0.9")
    made = pods.to_host(virt_pod, [], "10.96.0.10", scope)
    return host.create("pods", "team-x", **{**made, "status": status or {"phase": "Running"}})


def event(side: Served, namespace: str, about: Obj, reason: str, message: str, **more: Any) -> None:
    meta = about["metadata"]
    last = more.pop("last", NOW)
    side.create(
        "events",
        namespace,
        metadata={"name": f"{meta['name']}.{reason}"},
        involvedObject={"kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
        type="Warning",
        reason=reason,
        message=message,
        lastTimestamp=last,
        **more,
    )


def explained(cli: Run, *args: str) -> dict[str, Any]:
    done = cli("explain", *args, "-o", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_synced_pod(cli: Run, host: Served, virt: Served) -> None:
    made = inside(virt, "pods", "web", spec=pod()["spec"])
    twin = mirror(host, made)
    event(virt, "shop", made, "Pulled", "pulled the image", source={"component": "kubelet"})
    event(host, "team-x", twin, "Pulled", "pulled it", source={"component": "kubelet"})
    found = explained(cli, "pod/web", "-n", "shop")
    assert (found["state"], found["exists"]) == ("synced", True)
    assert found["twin"] == f"team-x/{twin['metadata']['name']}"
    assert found["waits_for"] == []
    assert [each["reason"] for each in found["events"]] == ["Pulled"]
    assert [each["message"] for each in found["host_events"]] == ["pulled it"]
    assert {each["path"] for each in found["fields"]} >= {"spec.dnsConfig"}


def test_a_refused_pod(cli: Run, virt: Served) -> None:
    disk = [{"name": "disk", "hostPath": {"path": "/"}}]
    made = inside(virt, "pods", "bad", spec=pod(volumes=disk)["spec"])
    message = "violates Pod Security 'baseline': hostPath volume disk"
    event(virt, "shop", made, "PodSecurity", message, source={"component": COMPONENT})
    found = explained(cli, "po/bad", "-n", "shop")
    assert (found["state"], found["exists"]) == ("refused", False)
    (refusal,) = found["refusals"]
    assert refusal["reason"] == "PodSecurity"
    assert "podSecurityStandard" in refusal["rule"]
    assert refusal["message"] == message
    assert found["events"] == []
    table = cli("explain", "po/bad", "-n", "shop").stdout
    assert "Refused: PodSecurity" in table
    assert "hostPath volume disk" in table


@pytest.mark.parametrize(
    ("last", "state"),
    [("2025-12-31T23:59:59Z", "synced"), ("2026-01-01T00:00:01Z", "synced, with refusals")],
)
def test_a_refusal_from_before_the_twin_was_made_is_history(
    cli: Run, host: Served, virt: Served, last: str, state: str
) -> None:
    made = inside(virt, "pods", "web", spec=pod()["spec"])
    mirror(host, made)  # made at NOW
    source = {"component": COMPONENT}
    event(virt, "shop", made, "ResizeRefused", "not switched on", source=source, last=last)
    found = explained(cli, "pod/web", "-n", "shop")
    assert found["state"] == state
    assert len(found["refusals"]) + len(found["events"]) == 1


def test_a_pod_that_waits_says_for_what(cli: Run, virt: Served) -> None:
    volumes = [
        {"name": "1", "configMap": {"name": "conf"}},
        {"name": "2", "configMap": {"name": "nobody-has"}},
    ]
    inside(virt, "pods", "web", spec=pod(volumes=volumes)["spec"])
    inside(virt, "configmaps", "conf")
    found = explained(cli, "pod/web", "-n", "shop")
    assert found["state"] == "waiting"
    assert found["waits_for"] == [
        "configmaps shop/conf, which is not on the host yet",
        "services kube-system/kube-dns, which is not on the host yet",
    ]


def test_a_name_that_somebody_else_has(cli: Run, host: Served, virt: Served) -> None:
    inside(virt, "pods", "web", spec=pod()["spec"])
    name = ident(host).host_name(Key("pods", "shop", "web"))
    host.create("pods", "team-x", metadata={"name": name}, spec={"containers": []})
    found = explained(cli, "pod/web", "-n", "shop")
    assert (found["state"], found["exists"]) == ("waiting", False)
    assert any("another object on the host" in each for each in found["waits_for"])


def test_a_configmap_that_nobody_names(cli: Run, virt: Served) -> None:
    inside(virt, "configmaps", "conf")
    (why,) = explained(cli, "cm/conf", "-n", "shop")["waits_for"]
    assert "a pod or an Ingress that references it" in why
    inside(virt, "pods", "web", spec=pod(containers=[container(envFrom=FROM)])["spec"])
    assert explained(cli, "cm/conf", "-n", "shop")["waits_for"] == []


FROM = [{"configMapRef": {"name": "conf"}}]


def test_a_kind_that_lives_inside_only(cli: Run, virt: Served) -> None:
    inside(virt, "deployments", "web")
    found = explained(cli, "deploy/web", "-n", "shop")
    assert (found["state"], found["twin"]) == ("inside only", "")
    assert "exists inside only" in found["waits_for"][0]


def test_a_class_that_is_shown_from_the_host(cli: Run, virt: Served) -> None:
    labels = {identity.MANAGED_BY: "dev"}
    virt.create("storageclasses", "", metadata={"name": "fast", "labels": labels})
    assert explained(cli, "sc/fast")["state"] == "shown from the host"


def test_from_the_hosts_side(cli: Run, host: Served, virt: Served) -> None:
    made = inside(virt, "pods", "web", spec=pod()["spec"])
    twin = mirror(host, made)
    found = explained(cli, f"pod/{twin['metadata']['name']}", "-n", "team-x", "--host")
    assert (found["cluster"], found["namespace"], found["name"]) == ("team-x/dev", "shop", "web")


def test_the_secret_of_a_pods_tokens_is_the_pods(cli: Run, host: Served, virt: Served) -> None:
    made = inside(virt, "pods", "web", spec=pod()["spec"])
    metadata = ident(host).metadata(Key("tokens", "shop", "web"), made, name="web-0123")
    host.create("secrets", "team-x", metadata=metadata)
    found = explained(cli, "secret/web-0123", "-n", "team-x", "--host")
    assert (found["kind"], found["name"]) == ("Pod", "web")


def test_a_host_object_of_nobodys(cli: Run, host: Served) -> None:
    host.create("pods", "team-x", metadata={"name": "db-0"})
    done = cli("explain", "pod/db-0", "-n", "team-x", "--host")
    assert done.exit_code == 3
    assert "does not belong to a virtual cluster" in done.stderr


def test_inside_of_a_context_that_connect_made(cli: Run, host: Served, virt: Served) -> None:
    host.create("statefulsets", "team-x", **statefulset("other"))
    inside(virt, "pods", "web", spec=pod()["spec"])
    assert "pass --cluster, one of dev, other" in cli("explain", "pod/web", "-n", "shop").stderr
    assert explained(cli, "pod/web", "-n", "shop", "--cluster", "dev")["name"] == "web"
    cli("connect", "dev")
    assert explained(cli, "pod/web", "-n", "shop")["cluster"] == "team-x/dev"
    cli("disconnect")


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("pod/none", 3, "has no Pod 'none' in namespace shop"),
        ("pods", 1, "write KIND/NAME"),
        ("pod/", 1, "write KIND/NAME"),
        ("pood/web", 3, "did you mean 'po"),
        ("zebra/web", 3, "kubectl api-resources"),
    ],
)
def test_what_is_not_there(cli: Run, what: str, code: int, words: str) -> None:
    done = cli("explain", what, "-n", "shop")
    assert (done.exit_code, done.stdout) == (code, "")
    assert words in done.stderr


def test_an_address_that_is_no_cluster(cli: Run, config: Any, host: Served) -> None:
    kubeconfig(config, host.api.url, "team-y")
    done = cli("explain", "pod/web")
    assert (done.exit_code, "no virtual cluster in namespace team-y" in done.stderr) == (3, True)
