"""What a user of storage looks at and relies on: volumes, ephemeral claims, retention."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import claims, manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, wait_gone, wait_ready
from tests.e2e.release import Release, Virtual

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"


def test_the_volume_of_a_claim_is_shown_tells_nothing_of_the_host_and_goes_with_it(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(claims.claim("plain", space))
    waits = claims.event(virt, space, "plain", "WaitForFirstConsumer")
    assert waits["involvedObject"]["kind"] == claims.CLAIM
    assert virt.api.get(claims.CLAIM, "plain", space)["status"]["phase"] == "Pending"
    virt.api.create(claims.user_of("plain", space))
    wait_ready(virt, space, "uses-plain")
    claim = claims.bound(virt, space, "plain")
    assert claim["metadata"]["annotations"][BIND_COMPLETED] == "yes"
    volume = claims.volume(virt, claim)
    host_claim = release.host.api.get(
        claims.CLAIM, claims.twin(release, space, "plain"), release.namespace
    )
    chosen = host_claim["spec"]["storageClassName"]
    named_later = claims.are_named_later(virt, space, chosen)
    assert claim["spec"].get("storageClassName") == (chosen if named_later else None)
    assert volume["spec"]["storageClassName"] == host_claim["spec"]["storageClassName"]
    assert volume["spec"]["capacity"] == claim["status"]["capacity"]
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    host_volume = release.host.api.get(claims.VOLUME, volume["metadata"]["name"])
    source = host_volume["spec"].get("hostPath") or host_volume["spec"].get("local")
    assert source is None or source["path"] not in str(volume)
    assert release.namespace not in str(volume)
    virt.kubectl("delete", "pod", "-n", space, "uses-plain")
    virt.kubectl("delete", "pvc", "-n", space, "plain")
    wait_gone(virt, claims.VOLUME, "", volume["metadata"]["name"], volume["metadata"]["uid"])
    twin = host_claim["metadata"]
    wait_gone(release.host, claims.CLAIM, release.namespace, twin["name"], twin["uid"])


def test_a_volume_of_the_tenants_stays_inside_and_no_claim_can_pick_one(
    virt: Virtual, release: Release, space: str
) -> None:
    own = {
        "apiVersion": "v1",
        "kind": claims.VOLUME,
        "metadata": {"name": f"{space}-etc"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "16Mi"},
            "hostPath": {"path": "/etc"},
            "storageClassName": "",
        },
    }
    virt.api.create(
        own, claims.claim("picky", space, volumeName=f"{space}-etc", storageClassName="")
    )
    refusal = claims.event(virt, space, "picky", "FieldRefused")
    assert "volumeName" in refusal["message"]
    api = release.host.api
    assert api.find(claims.CLAIM, claims.twin(release, space, "picky"), release.namespace) is None
    assert api.find(claims.VOLUME, f"{space}-etc") is None
    assert virt.api.get(claims.VOLUME, f"{space}-etc")["spec"]["hostPath"]["path"] == "/etc"
    virt.api.delete(claims.CLAIM, "picky", space)
    virt.api.delete(claims.VOLUME, f"{space}-etc")


def test_an_ephemeral_volume_lives_and_dies_with_its_pod(virt: Virtual, space: str) -> None:
    template = {
        "metadata": {"labels": {"kind": "scratch"}},
        "spec": claims.claim("x", space)["spec"],
    }
    volume = {"name": "data", "ephemeral": {"volumeClaimTemplate": template}}
    container = manifests.idle(volumeMounts=claims.MOUNT)
    made = virt.api.create(manifests.pod("scratch", space, container, volumes=[volume]))
    if not any("ephemeral" in each for each in made["spec"]["volumes"]):
        virt.api.delete("Pod", "scratch", space)
        pytest.skip("the virtual API knows no ephemeral volumes")
    (pod,) = wait_ready(virt, space, "scratch")
    execute(virt, space, "scratch", "sh", "-c", "echo here > /data/file && cat /data/file")
    claim = claims.bound(virt, space, "scratch-data")
    assert claim["metadata"]["labels"] == {"kind": "scratch"}
    assert claim["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    shown = claims.volume(virt, claim)["metadata"]
    virt.kubectl("delete", "pod", "-n", space, "scratch")
    wait_gone(virt, claims.CLAIM, space, "scratch-data", claim["metadata"]["uid"])
    wait_gone(virt, claims.VOLUME, "", shown["name"], shown["uid"])


def _keeper(virt: Virtual, space: str, name: str, **spec: Any) -> Obj:
    """Return a StatefulSet of two pods with a claim each, once both run."""
    made = manifests.deployment(name, space, 2, manifests.idle(volumeMounts=claims.MOUNT))
    claim = claims.claim("data", space)
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
        kept, going = (claims.bound(virt, space, f"data-shrinks-{number}") for number in range(2))
        virt.kubectl("scale", "statefulset", "-n", space, "shrinks", "--replicas=1")
        wait_gone(virt, claims.CLAIM, space, "data-shrinks-1", going["metadata"]["uid"])
        after = virt.api.get(claims.CLAIM, "data-shrinks-0", space)
        assert after["metadata"]["uid"] == kept["metadata"]["uid"]
    finally:
        virt.api.delete("StatefulSet", "shrinks", space)


def test_claims_stay_when_their_stateful_set_goes(virt: Virtual, space: str) -> None:
    _keeper(virt, space, "keeper")
    kept = claims.bound(virt, space, "data-keeper-0")
    virt.kubectl("delete", "statefulset", "-n", space, "keeper", "--cascade=foreground")
    assert virt.api.find("Pod", "keeper-0", space) is None
    after = virt.api.get(claims.CLAIM, "data-keeper-0", space)
    assert after["metadata"]["uid"] == kept["metadata"]["uid"]
    assert after["status"]["phase"] == "Bound"
    assert "deletionTimestamp" not in after["metadata"]
    claims.volume(virt, after)
