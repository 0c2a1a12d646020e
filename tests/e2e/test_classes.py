"""Classes of the host inside, by value: there to be named, and never the other way round."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import RESOURCES, Obj
from tests.e2e.pods import new_namespace, wait_ready
from tests.e2e.release import MANAGED_BY, Release, Side, Virtual
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, until

KINDS = ("StorageClass", "IngressClass", "PriorityClass", "RuntimeClass")

DEFAULT = "storageclass.kubernetes.io/is-default-class"
SHOWN = ("persistentVolumes", "storageClasses", "ingressClasses", "priorityClasses")
VALUES: Obj = {
    "sync": {name: {"enabled": True} for name in ("nodes", *SHOWN, "runtimeClasses")},
    # It waits for volumes, and needs to know their classes and where they can be used.
    "virtualCluster": {"scheduler": {"enabled": True}},
}


def _class(kind: str, name: str, **fields: Any) -> Obj:
    api_version = RESOURCES[kind].api_version
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def _fields(kind: str) -> Obj:
    fields: dict[str, Obj] = {
        "StorageClass": {
            "provisioner": "driver.example",
            "parameters": {"csi.storage.k8s.io/provisioner-secret-name": "of-the-host"},
        },
        "IngressClass": {"spec": {"controller": "controller.example/one"}},
        "PriorityClass": {"value": 100, "globalDefault": False},
        "RuntimeClass": {"handler": "runc"},
    }
    return fields[kind]


@pytest.fixture(scope="module")
def installed(session: Session) -> Iterator[Release]:
    release = session.release("classes", session.namespace("classes"))
    release.install(VALUES)
    release.wait_coredns()
    yield release
    if not os.environ.get("VC_E2E_KEEP"):
        session.uninstall(release)  # its ClusterRole would outlive the namespace


@pytest.fixture(scope="module")
def inside(session: Session, installed: Release) -> Virtual:
    return session.connect(installed)


@pytest.fixture(scope="module")
def name(host: Side, installed: Release) -> Iterator[str]:
    """The name of a class of each kind on the host."""
    name = f"{installed.namespace}-host"
    for kind in KINDS:
        host.api.create(_class(kind, name, **_fields(kind)))
    yield name
    for kind in KINDS:
        host.api.delete(kind, name)


@pytest.fixture(scope="module")
def room(inside: Virtual) -> str:
    return new_namespace(inside, "room")


def _copy(inside: Virtual, kind: str, name: str, **fields: Any) -> Obj:
    """Return a copy once it is there and says this."""

    def there() -> Obj:
        found = inside.api.find(kind, name)
        if found is None or any(found.get(field) != value for field, value in fields.items()):
            raise Pending(str(found))
        assert MANAGED_BY in found["metadata"]["labels"]
        return found

    return until(f"{kind} {name} is shown", there, 30)


def _gone(inside: Virtual, kind: str, name: str) -> None:
    until(f"{kind} {name} is gone", lambda: inside.api.find(kind, name) is None, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_follows_the_host_and_is_restored(
    inside: Virtual, host: Side, name: str, kind: str
) -> None:
    made = _copy(inside, kind, name)
    assert "of-the-host" not in str(made)
    inside.api.delete(kind, name)

    def again() -> bool:
        found = inside.api.find(kind, name)
        return found is not None and found["metadata"]["uid"] != made["metadata"]["uid"]

    until("a copy that was deleted is back", again, 30)
    short = f"{name}-short"
    host.api.create(_class(kind, short, **_fields(kind)))
    _copy(inside, kind, short)
    host.api.delete(kind, short)
    _gone(inside, kind, short)


def test_an_edited_copy_is_restored_and_a_changed_class_is_followed(
    inside: Virtual, host: Side, name: str
) -> None:
    _copy(inside, "StorageClass", name)
    inside.api.patch("StorageClass", name, "", {"allowVolumeExpansion": True})
    inside.api.patch("StorageClass", name, "", {"metadata": {"annotations": {DEFAULT: "true"}}})

    def restored() -> bool:
        found = inside.api.get("StorageClass", name)
        if found.get("allowVolumeExpansion") or found["metadata"].get("annotations"):
            raise Pending(str(found))
        return True

    until("the copy is restored", restored, 30)
    host.api.patch("StorageClass", name, "", {"allowVolumeExpansion": True})
    _copy(inside, "StorageClass", name, allowVolumeExpansion=True)


def test_a_class_of_the_tenants_stays_inside_and_as_it_is(
    inside: Virtual, host: Side, installed: Release
) -> None:
    name = f"{installed.namespace}-own"
    own = _class("StorageClass", name, provisioner="of.the.tenant")
    own["metadata"]["annotations"] = {DEFAULT: "true"}
    inside.api.create(own)
    theirs = host.api.create(_class("StorageClass", name, provisioner="of.the.host"))
    try:

        def told() -> bool:
            events = inside.api.all("Event", "default")
            about = [e for e in events if e["involvedObject"]["name"] == name]
            return any(each["reason"] == "NameTaken" for each in about)

        until("the tenant is told", told, 30)
        assert inside.api.get("StorageClass", name)["provisioner"] == "of.the.tenant"
        now = host.api.get("StorageClass", name)
        assert now["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
    finally:
        host.api.delete("StorageClass", name)
        inside.api.delete("StorageClass", name)


def test_pods_name_classes_of_the_host_and_no_others(
    inside: Virtual, installed: Release, name: str, room: str
) -> None:
    """Threats A11, A12."""
    own = f"{name}-own"
    for kind in ("PriorityClass", "RuntimeClass"):
        _copy(inside, kind, name)
        inside.api.create(_class(kind, own, **_fields(kind)))
    named: Obj = {"priorityClassName": name, "runtimeClassName": name}
    inside.api.create(
        manifests.pod("classy", room, **named),
        manifests.pod("urgent", room, priorityClassName=own),
        manifests.pod("critical", room, priorityClassName="system-node-critical"),
        manifests.pod("odd", room, runtimeClassName=own),
    )
    classy, urgent, critical = wait_ready(inside, room, "classy", "urgent", "critical")
    host_spec = installed.host_pod(classy)["spec"]
    assert {field: host_spec[field] for field in named} == named
    assert host_spec["priority"] == 100
    assert classy["spec"]["priority"] == 100
    for pod, priority in ((urgent, 100), (critical, 2_000_001_000)):
        assert pod["spec"]["priority"] == priority
        spec = installed.host_pod(pod)["spec"]
        assert "priorityClassName" not in spec
        assert spec["priority"] == 0

    def refused() -> bool:
        events = inside.api.all("Event", room)
        about = [each["message"] for each in events if each["involvedObject"]["name"] == "odd"]
        return any("runtimeClassName" in message for message in about)

    until("the other is refused", refused, 30)
    inside.api.delete("Namespace", room)


def test_a_claim_has_the_hosts_default_class_and_its_volume_tells_where_it_can_be_used(
    inside: Virtual, host: Side
) -> None:
    (default,) = [
        each
        for each in host.api.all("StorageClass")
        if (each["metadata"].get("annotations") or {}).get(DEFAULT) == "true"
    ]
    shown = _copy(inside, "StorageClass", default["metadata"]["name"])
    assert shown["metadata"]["annotations"] == {DEFAULT: "true"}
    made = inside.api.create(manifests.claim("homed", "default"))
    assert made["spec"]["storageClassName"] == default["metadata"]["name"]
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "homed"}}
    container = manifests.idle(volumeMounts=[{"name": "data", "mountPath": "/data"}])
    inside.api.create(manifests.pod("homed", "default", container, volumes=[volume]))
    wait_ready(inside, "default", "homed")

    def told() -> bool:
        bound = inside.api.get("PersistentVolumeClaim", "homed", "default")
        found = inside.api.find("PersistentVolume", bound["spec"].get("volumeName", "none-yet"))
        if found is None:
            raise Pending("no volume")
        theirs = host.api.get("PersistentVolume", found["metadata"]["name"])["spec"]
        fields = ("nodeAffinity", "persistentVolumeReclaimPolicy", "capacity")
        if any(found["spec"].get(field) != theirs.get(field) for field in fields):
            raise Pending(str(found["spec"]))
        return True

    until("the volume says what the host's does", told, 30)


def test_copies_go_when_their_values_are_switched_off(
    session: Session, installed: Release, inside: Virtual, name: str, host: Side
) -> None:
    _copy(inside, "StorageClass", name)
    inside.api.create(_class("StorageClass", "of-the-tenant", provisioner="of.the.tenant"))
    role = f"virtualcluster:{installed.namespace}:{installed.name}"
    assert host.api.find("ClusterRole", role)
    installed.upgrade({"sync": {"ingressClasses": {"enabled": True}}})
    rules = host.api.get("ClusterRole", role)["rules"]
    assert [each["resources"] for each in rules] == [["ingressclasses"]]
    inside.api.close()
    if installed.forward is not None:
        installed.forward.close()
    again = session.connect(installed)
    for kind in ("StorageClass", "PriorityClass", "RuntimeClass"):
        _gone(again, kind, name)
    _copy(again, "IngressClass", name)
    assert again.api.get("StorageClass", "of-the-tenant")
