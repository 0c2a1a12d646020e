"""What the virtual cluster sees of a volume, and what it never sees."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.identity import MANAGED_BY
from syncer.kube.objects import Obj
from syncer.translate.persistentvolumes import DRIVER, bound, slim, to_virt
from tests.unit.build import IDENT, claim, marked_as, twin

BOUND = {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOncePod"]}
AFFINITY: Obj = {"required": {"nodeSelectorTerms": [{"matchFields": []}]}}


def _twin(virt: Obj, status: Obj = BOUND, **spec: Any) -> Obj:
    made = twin(virt, "persistentvolumeclaims", status=status)
    return {**made, "spec": {**made["spec"], "volumeName": "pv-1", **spec}}


def _host_volume(**spec: Any) -> Obj:
    return {
        "metadata": {"name": "pv-1", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
        "spec": {"hostPath": {"path": "/secret"}, "csi": {"volumeHandle": "secret"}, **spec},
    }


def test_volume_says_what_the_hosts_claim_says() -> None:
    virt = claim()
    made = to_virt("pv-1", virt, _twin(virt, storageClassName="fast"), None, IDENT)
    assert made["metadata"]["name"] == "pv-1"
    assert made["metadata"]["labels"] == {MANAGED_BY: "vc"}
    assert made["spec"] == {
        "accessModes": ["ReadWriteOncePod"],
        "capacity": {"storage": "2Gi"},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": "default",
            "name": "data",
            "uid": "virt-default-data",
        },
        "csi": {"driver": DRIVER, "volumeHandle": "pv-1"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
    }


@pytest.mark.parametrize(
    ("status", "spec", "expected"),
    [
        (BOUND, {"volumeMode": "Block"}, {"volumeMode": "Block"}),
        (BOUND, {"storageClassName": ""}, {"storageClassName": ""}),
        ({"phase": "Bound"}, {}, {"capacity": {"storage": "1Gi"}}),
        ({"phase": "Bound"}, {}, {"accessModes": ["ReadWriteOnce"]}),
    ],
)
def test_volume_of_a_claim_that(status: Obj, spec: Obj, expected: Obj) -> None:
    virt = claim()
    made = to_virt("pv-1", virt, _twin(virt, status, **spec), None, IDENT)
    assert {field: made["spec"][field] for field in expected} == expected


def test_hosts_volume_adds_where_it_can_be_used_and_nothing_of_what_it_is() -> None:
    virt = claim()
    host = _host_volume(nodeAffinity=AFFINITY, persistentVolumeReclaimPolicy="Retain")
    made = to_virt("pv-1", virt, _twin(virt), slim(host), IDENT)
    assert made["spec"]["nodeAffinity"] == AFFINITY
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert "secret" not in str(made)


def test_of_a_host_volume_no_more_is_kept_than_is_shown() -> None:
    host = _host_volume(nodeAffinity=AFFINITY, mountOptions=["ro"])
    assert slim(host) == {
        "metadata": {"name": "pv-1", "uid": "u", "resourceVersion": "7"},
        "spec": {"nodeAffinity": AFFINITY},
    }
    assert slim({"metadata": {"name": "x"}}) == {"metadata": {"name": "x"}, "spec": {}}


@pytest.mark.parametrize(
    ("host", "is_bound"),
    [
        (_twin(claim()), True),
        (None, False),
        (_twin(claim(), {"phase": "Pending"}), False),
        (_twin(claim(), {}), False),
        (_twin(claim(), volumeName="pv-2"), False),
        (marked_as(_twin(claim()), "another-uid"), False),
    ],
)
def test_claim_is_bound_to_the_volume(host: Obj | None, is_bound: bool) -> None:  # noqa: FBT001
    assert bound(claim(), host, "pv-1") is is_bound
    assert not bound(None, host, "pv-1")


@pytest.mark.parametrize(
    ("labels", "ours"),
    [({MANAGED_BY: "vc"}, True), ({MANAGED_BY: "other"}, False), ({}, False), (None, False)],
)
def test_volumes_without_our_mark_are_the_tenants(labels: Obj | None, ours: bool) -> None:  # noqa: FBT001
    assert IDENT.shows({"metadata": {"name": "pv-1", "labels": labels}}) is ours
