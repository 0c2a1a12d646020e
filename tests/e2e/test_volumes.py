"""What a user of storage looks at and relies on: volumes, growth, ephemeral claims, retention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.pods import execute, wait_gone, wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.waiting import Pending, until

CLAIM, VOLUME = "PersistentVolumeClaim", "PersistentVolume"
MOUNT = [{"name": "data", "mountPath": "/data"}]
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"


def _claim(name: str, space: str, size: str = "16Mi", **spec: Any) -> Obj:
    made = manifests.claim(name, space)
    made["spec"] |= {"resources": {"requests": {"storage": size}}, **spec}
    return made


def _user_of(claim: str, space: str) -> Obj:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    container = manifests.idle(volumeMounts=MOUNT)
    return manifests.pod(f"uses-{claim}", space, container, volumes=[volume])


def _bound(virt: Virtual, space: str, name: str) -> Obj:
    """Return a claim once it is bound."""

    def bound() -> Obj:
        claim = virt.api.get(CLAIM, name, space)
        if claim["status"].get("phase") != "Bound":
            raise Pending(str(claim["status"]))
        return claim

    return until(f"claim {name} is bound", bound)


def _volume(virt: Virtual, claim: Obj, **spec: Any) -> Obj:
    """Return the volume of a bound claim once it is shown as bound and says this."""

    def shown() -> Obj:
        found = virt.api.find(VOLUME, claim["spec"]["volumeName"])
        if found is None or found["status"].get("phase") != "Bound":
            raise Pending(f"{found and found['status']}")
        if any(found["spec"].get(field) != value for field, value in spec.items()):
            raise Pending(str(found["spec"]))
        return found

    return until("the volume is shown", shown, 30)


def _twin(release: Release, space: str, name: str) -> str:
    return f"{name}-x-{space}-x-{release.name}"


def _event(virt: Virtual, space: str, name: str, reason: str) -> Obj:
    """Return the event of this reason about an object."""

    def told() -> Obj | None:
        for event in virt.api.all("Event", space):
            if event["involvedObject"]["name"] == name and event["reason"] == reason:
                return event
        return None

    return until(f"event {reason} about {name}", told, 30)


@pytest.fixture(scope="module")
def default_class(host: Side) -> Obj:
    """The host's default class."""
    classes = host.api.all("StorageClass")
    return next(each for each in classes if "true" in str(each["metadata"].get("annotations")))


@pytest.fixture(scope="module")
def named_later(virt: Virtual, space: str, default_class: Obj) -> bool:
    """Whether the virtual API lets a claim be told its class after its creation, as from 1.25."""
    virt.api.create(_claim("classless", space))
    try:
        name = default_class["metadata"]["name"]
        virt.api.patch(CLAIM, "classless", space, {"spec": {"storageClassName": name}})
    except ApiError as error:
        if error.status != 422:
            raise
        return False
    finally:
        virt.api.delete(CLAIM, "classless", space)
    return True


def test_the_volume_of_a_claim_is_shown_tells_nothing_of_the_host_and_goes_with_it(
    virt: Virtual, release: Release, space: str, *, named_later: bool
) -> None:
    virt.api.create(_claim("plain", space))
    waits = _event(virt, space, "plain", "WaitForFirstConsumer")
    assert waits["involvedObject"]["kind"] == CLAIM
    assert virt.api.get(CLAIM, "plain", space)["status"]["phase"] == "Pending"
    virt.api.create(_user_of("plain", space))
    wait_ready(virt, space, "uses-plain")
    claim = _bound(virt, space, "plain")
    assert claim["metadata"]["annotations"][BIND_COMPLETED] == "yes"
    volume = _volume(virt, claim)
    host_claim = release.host.api.get(CLAIM, _twin(release, space, "plain"), release.namespace)
    chosen = host_claim["spec"]["storageClassName"]
    assert claim["spec"].get("storageClassName") == (chosen if named_later else None)
    assert volume["spec"]["storageClassName"] == host_claim["spec"]["storageClassName"]
    assert volume["spec"]["capacity"] == claim["status"]["capacity"]
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    host_volume = release.host.api.get(VOLUME, volume["metadata"]["name"])
    source = host_volume["spec"].get("hostPath") or host_volume["spec"].get("local")
    assert source is None or source["path"] not in str(volume)
    assert release.namespace not in str(volume)
    virt.kubectl("delete", "pod", "-n", space, "uses-plain")
    virt.kubectl("delete", "pvc", "-n", space, "plain")
    wait_gone(virt, VOLUME, "", volume["metadata"]["name"], volume["metadata"]["uid"])
    twin = host_claim["metadata"]
    wait_gone(release.host, CLAIM, release.namespace, twin["name"], twin["uid"])


def test_a_volume_of_the_tenants_stays_inside_and_no_claim_can_pick_one(
    virt: Virtual, release: Release, space: str
) -> None:
    own = {
        "apiVersion": "v1",
        "kind": VOLUME,
        "metadata": {"name": f"{space}-etc"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "16Mi"},
            "hostPath": {"path": "/etc"},
            "storageClassName": "",
        },
    }
    virt.api.create(own, _claim("picky", space, volumeName=f"{space}-etc", storageClassName=""))
    refusal = _event(virt, space, "picky", "FieldRefused")
    assert "volumeName" in refusal["message"]
    api = release.host.api
    assert api.find(CLAIM, _twin(release, space, "picky"), release.namespace) is None
    assert api.find(VOLUME, f"{space}-etc") is None
    assert virt.api.get(VOLUME, f"{space}-etc")["spec"]["hostPath"]["path"] == "/etc"
    virt.api.delete(CLAIM, "picky", space)
    virt.api.delete(VOLUME, f"{space}-etc")


@pytest.fixture(scope="module")
def growing(virt: Virtual, host: Side, release: Release, default_class: Obj) -> Iterator[str]:
    """A class that grows volumes, of the same name on both sides; nobody does it on this host."""
    name = f"{release.namespace}-grows"
    made = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": default_class["provisioner"],
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    host.api.create(made)
    virt.api.create(made)
    yield name
    host.api.delete("StorageClass", name)
    virt.api.delete("StorageClass", name)


def test_a_claim_grows_on_the_host_and_tells_how_far_it_is(
    virt: Virtual, release: Release, space: str, growing: str
) -> None:
    virt.api.create(_claim("grows", space, storageClassName=growing), _user_of("grows", space))
    wait_ready(virt, space, "uses-grows")
    claim = _bound(virt, space, "grows")
    _volume(virt, claim)
    virt.api.patch(
        CLAIM, "grows", space, {"spec": {"resources": {"requests": {"storage": "32Mi"}}}}
    )
    api, twin = release.host.api, _twin(release, space, "grows")

    def asked() -> bool:
        spec = api.get(CLAIM, twin, release.namespace)["spec"]
        return bool(spec["resources"]["requests"]["storage"] == "32Mi")

    until("the host is asked for more", asked, 30)
    # What the resizer of a storage driver writes.
    resizing = [{"type": "Resizing", "status": "True"}]
    for status in ({"conditions": resizing}, {"conditions": [], "capacity": {"storage": "32Mi"}}):
        api.patch(CLAIM, twin, release.namespace, {"status": status}, sub="status")

        def told(wanted: Obj = status) -> bool:
            now = virt.api.get(CLAIM, "grows", space)["status"]
            types = [each["type"] for each in now.get("conditions") or ()]
            if types != [each["type"] for each in wanted["conditions"]]:
                raise Pending(str(now))
            return bool(now["capacity"] == wanted.get("capacity", now["capacity"]))

        until(f"the claim says {status}", told, 30)
    _volume(virt, claim, capacity={"storage": "32Mi"})
    virt.api.delete("Pod", "uses-grows", space)
    virt.api.delete(CLAIM, "grows", space)


def test_growth_that_the_host_does_not_offer_is_refused_and_says_why(
    virt: Virtual, release: Release, space: str, default_class: Obj, *, named_later: bool
) -> None:
    name = default_class["metadata"]["name"]
    named = {} if named_later else {"storageClassName": name}
    virt.api.create(_claim("fixed", space, **named), _user_of("fixed", space))
    wait_ready(virt, space, "uses-fixed")
    assert _bound(virt, space, "fixed")["spec"]["storageClassName"] == name
    more = '{"spec":{"resources":{"requests":{"storage":"32Mi"}}}}'
    patch = ("patch", "pvc", "-n", space, "fixed", "-p", more)
    refused = virt.kubectl(*patch, check=False)
    assert "must support resize" in refused.err, "the virtual API refuses what it knows no class of"
    # A class of the tenant's own that promises more than the host's of that name does.
    promise = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "of.the.tenant",
        "allowVolumeExpansion": True,
    }
    virt.api.create(promise)
    try:

        def accepted() -> bool:
            return virt.kubectl(*patch, check=False).code == 0

        until("the virtual API knows the class", accepted, 30)
        told = _event(virt, space, "fixed", "HostForbids")
        assert "must support resize" in told["message"]
        assert release.namespace not in told["message"]
    finally:
        virt.api.delete("StorageClass", name)
        virt.api.delete("Pod", "uses-fixed", space)
        virt.api.delete(CLAIM, "fixed", space)


def test_an_ephemeral_volume_lives_and_dies_with_its_pod(virt: Virtual, space: str) -> None:
    template = {"metadata": {"labels": {"kind": "scratch"}}, "spec": _claim("x", space)["spec"]}
    volume = {"name": "data", "ephemeral": {"volumeClaimTemplate": template}}
    container = manifests.idle(volumeMounts=MOUNT)
    made = virt.api.create(manifests.pod("scratch", space, container, volumes=[volume]))
    if not any("ephemeral" in each for each in made["spec"]["volumes"]):
        virt.api.delete("Pod", "scratch", space)
        pytest.skip("the virtual API knows no ephemeral volumes")
    (pod,) = wait_ready(virt, space, "scratch")
    execute(virt, space, "scratch", "sh", "-c", "echo here > /data/file && cat /data/file")
    claim = _bound(virt, space, "scratch-data")
    assert claim["metadata"]["labels"] == {"kind": "scratch"}
    assert claim["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    shown = _volume(virt, claim)["metadata"]
    virt.kubectl("delete", "pod", "-n", space, "scratch")
    wait_gone(virt, CLAIM, space, "scratch-data", claim["metadata"]["uid"])
    wait_gone(virt, VOLUME, "", shown["name"], shown["uid"])


def _keeper(virt: Virtual, space: str, name: str, **spec: Any) -> Obj:
    """Return a StatefulSet of two pods with a claim each, once both run."""
    made = manifests.deployment(name, space, 2, manifests.idle(volumeMounts=MOUNT))
    claim = _claim("data", space)
    set_ = manifests.stateful(made, claim, podManagementPolicy="Parallel", **spec)
    created = virt.api.create(set_)
    wait_ready(virt, space, f"{name}-0", f"{name}-1")
    return created


def test_a_claim_of_a_stateful_set_goes_when_its_policy_says_so(virt: Virtual, space: str) -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    made = _keeper(virt, space, "shrinks", persistentVolumeClaimRetentionPolicy=policy)
    try:
        if "persistentVolumeClaimRetentionPolicy" not in made["spec"]:
            pytest.skip("the virtual API knows no such policy: claims always stay")
        kept, going = (_bound(virt, space, f"data-shrinks-{number}") for number in range(2))
        virt.kubectl("scale", "statefulset", "-n", space, "shrinks", "--replicas=1")
        wait_gone(virt, CLAIM, space, "data-shrinks-1", going["metadata"]["uid"])
        after = virt.api.get(CLAIM, "data-shrinks-0", space)
        assert after["metadata"]["uid"] == kept["metadata"]["uid"]
    finally:
        virt.api.delete("StatefulSet", "shrinks", space)


def test_claims_stay_when_their_stateful_set_goes(virt: Virtual, space: str) -> None:
    _keeper(virt, space, "keeper")
    kept = _bound(virt, space, "data-keeper-0")
    virt.kubectl("delete", "statefulset", "-n", space, "keeper", "--cascade=foreground")
    assert virt.api.find("Pod", "keeper-0", space) is None
    after = virt.api.get(CLAIM, "data-keeper-0", space)
    assert after["metadata"]["uid"] == kept["metadata"]["uid"]
    assert after["status"]["phase"] == "Bound"
    assert "deletionTimestamp" not in after["metadata"]
    _volume(virt, after)
