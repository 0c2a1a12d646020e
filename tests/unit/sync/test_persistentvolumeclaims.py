"""Claims: bound when their twin is, and never given an empty volume in place of a lost one."""

from __future__ import annotations

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from syncer.sync.kinds import KINDS
from syncer.sync.persistentvolumeclaims import OLD_CLASS, ClaimMirror
from tests.unit.build import claim
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
CLAIM = Key("persistentvolumeclaims", "default", "data")
BOUND = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
PLACE = Place(*CLAIM)


def _mirror(sides: Sides) -> ClaimMirror:
    return ClaimMirror(KINDS["persistentvolumeclaims"], sides.world, sides.virt, sides.host)


def _default_class(plural: str, obj: Obj) -> None:
    """What the host's admission does to a claim without a class."""
    if plural == "persistentvolumeclaims":
        obj["spec"].setdefault("storageClassName", "standard")


def _status(sides: Sides) -> Obj:
    status: Obj = sides.virt_api.objects.get(PLACE)["status"]
    return status


async def _bound_claim(sides: Sides) -> ClaimMirror:
    sides.add_virt("persistentvolumeclaims", claim())
    mirror = _mirror(sides)
    await sides.settle(mirror.reconcile, CLAIM)
    place = sides.host_place("persistentvolumeclaims", "data")
    sides.host_api.objects.patch(place, {"spec": {"volumeName": "pv-1"}})
    sides.host_api.objects.patch(place, {"status": BOUND}, "status")
    await sides.settle(mirror.reconcile, CLAIM)
    return mirror


async def test_claim_is_bound_when_its_twin_is_and_names_the_volume(sides: Sides) -> None:
    await _bound_claim(sides)
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert found["status"] == BOUND
    assert found["spec"]["volumeName"] == "pv-1"
    assert found["metadata"]["annotations"] == {
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
    }


async def test_claim_whose_twin_is_gone_is_lost_and_never_gets_an_empty_volume(
    sides: Sides,
) -> None:
    """Threats R12."""
    mirror = await _bound_claim(sides)
    sides.host_api.objects.remove(sides.host_place("persistentvolumeclaims", "data"))
    sides.sync()
    with pytest.raises(Refused) as caught:
        await mirror.reconcile(CLAIM)
    assert caught.value.reason == "ClaimLost"
    assert _status(sides)["phase"] == "Lost"
    await sides.settle(mirror.reconcile, CLAIM)
    assert sides.host_obj("persistentvolumeclaims", "data") is None


async def test_status_of_an_earlier_claims_twin_is_not_told_to_the_new_one(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    sides.virt_api.objects.remove(PLACE)
    sides.add_virt("persistentvolumeclaims", claim())
    await mirror.reconcile(CLAIM)
    assert _status(sides) == {"phase": "Pending"}
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert "volumeName" not in found["spec"]


async def test_loss_is_told_once(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    sides.host_api.objects.remove(sides.host_place("persistentvolumeclaims", "data"))
    sides.sync()
    sides.writes()
    with pytest.raises(Refused):
        await mirror.reconcile(CLAIM)
    await mirror.reconcile(CLAIM)
    assert sides.writes() == [("virt", "PATCH", "persistentvolumeclaims/status")]


async def test_claim_that_grows_grows_on_the_host(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    bigger = {"resources": {"requests": {"storage": "2Gi"}}}
    sides.virt_api.objects.patch(PLACE, {"spec": bigger})
    await sides.settle(mirror.reconcile, CLAIM)
    host = sides.host_obj("persistentvolumeclaims", "data")
    assert host is not None
    assert host["spec"]["resources"] == bigger["resources"]


async def test_lost_claim_that_is_deleted_and_made_again_is_a_new_one(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    sides.host_api.objects.remove(sides.host_place("persistentvolumeclaims", "data"))
    sides.sync()
    with pytest.raises(Refused):
        await mirror.reconcile(CLAIM)
    sides.virt_api.objects.remove(PLACE)
    sides.add_virt("persistentvolumeclaims", claim())
    await sides.settle(mirror.reconcile, CLAIM)
    assert sides.host_obj("persistentvolumeclaims", "data") is not None


async def test_claim_whose_twin_lost_its_marks_is_refused_and_its_data_stays(sides: Sides) -> None:
    sides.add_virt("persistentvolumeclaims", claim())
    await _mirror(sides).reconcile(CLAIM)
    place = sides.host_place("persistentvolumeclaims", "data")
    sides.host_api.objects.patch(place, {"metadata": {"annotations": None}})
    sides.sync()
    with pytest.raises(Refused):
        await _mirror(sides).reconcile(CLAIM)
    assert sides.host_obj("persistentvolumeclaims", "data") is not None


async def test_claim_without_a_class_is_told_the_one_that_the_host_chose(sides: Sides) -> None:
    sides.host_api.objects.admission.append(_default_class)
    sides.add_virt("persistentvolumeclaims", claim())
    await sides.settle(_mirror(sides).reconcile, CLAIM)
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert found["spec"]["storageClassName"] == "standard"


@pytest.mark.parametrize(
    ("virt", "expected"),
    [
        (claim(storageClassName=""), ""),
        (claim(storageClassName="fast"), "fast"),
        (claim(metadata={"annotations": {OLD_CLASS: "old"}}), None),
    ],
)
async def test_claim_that_names_a_class_keeps_it(
    sides: Sides, virt: Obj, expected: str | None
) -> None:
    sides.host_api.objects.admission.append(_default_class)
    sides.add_virt("persistentvolumeclaims", virt)
    await sides.settle(_mirror(sides).reconcile, CLAIM)
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert found["spec"].get("storageClassName") == expected


async def test_claim_of_an_old_cluster_that_cannot_name_its_class_later_is_bound_all_the_same(
    sides: Sides,
) -> None:
    sides.host_api.objects.admission.append(_default_class)
    fault = Fault("PATCH", "persistentvolumeclaims", status=422, reason="Invalid")
    sides.virt_api.faults.add(fault)
    await _bound_claim(sides)
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert found["spec"]["volumeName"] == "pv-1"
    assert "storageClassName" not in found["spec"]


async def test_claim_that_picks_its_volume_is_refused(sides: Sides) -> None:
    """Threats F2."""
    sides.add_virt("persistentvolumeclaims", claim(volumeName="pv-of-somebody"))
    with pytest.raises(Refused, match="volumeName"):
        await _mirror(sides).reconcile(CLAIM)
    assert sides.host_obj("persistentvolumeclaims", "data") is None


async def test_marks_of_a_bound_claim_that_the_tenant_removes_come_back(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    sides.virt_api.objects.patch(PLACE, {"metadata": {"annotations": None}})
    await sides.settle(mirror.reconcile, CLAIM)
    found = sides.virt_obj("persistentvolumeclaims", "data")
    assert found is not None
    assert found["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes"


async def test_conditions_of_growth_come_and_go_with_the_hosts(sides: Sides) -> None:
    mirror = await _bound_claim(sides)
    place = sides.host_place("persistentvolumeclaims", "data")
    resizing = [{"type": "Resizing", "status": "True"}]
    for conditions, capacity in ((resizing, "1Gi"), (None, "2Gi")):
        change = {"status": {"conditions": conditions, "capacity": {"storage": capacity}}}
        sides.host_api.objects.patch(place, change, "status")
        await sides.settle(mirror.reconcile, CLAIM)
        assert (_status(sides).get("conditions") or None) == conditions
        assert _status(sides)["capacity"] == {"storage": capacity}


OFFERED = ("standard", "fast")


@pytest.mark.parametrize(
    ("offered", "spec", "annotations", "named"),
    [
        ((), {}, {}, None),
        ((), {"storageClassName": "gold"}, {}, None),
        (OFFERED, {"storageClassName": "fast"}, {}, None),
        (OFFERED, {}, {OLD_CLASS: "fast"}, None),
        (OFFERED, {"storageClassName": "gold"}, {}, "gold"),
        (OFFERED, {"storageClassName": "fast"}, {OLD_CLASS: "gold"}, "gold"),
        (OFFERED, {"storageClassName": ""}, {}, "must be set"),
        (OFFERED, {}, {}, "must be set"),
    ],
)
async def test_only_the_classes_that_are_offered_may_be_named(
    sides: Sides, offered: tuple[str, ...], spec: Obj, annotations: Obj, named: str | None
) -> None:
    """Threats F4; the default class too must be on the list, and be named."""
    sides.world.scope = sides.world.scope._replace(claim_classes=offered)
    sides.add_virt("persistentvolumeclaims", claim(metadata={"annotations": annotations}, **spec))
    if named is None:
        await _mirror(sides).reconcile(CLAIM)
        assert sides.host_obj("persistentvolumeclaims", "data") is not None
    else:
        with pytest.raises(Refused, match=named):
            await _mirror(sides).reconcile(CLAIM)
        assert sides.host_obj("persistentvolumeclaims", "data") is None


async def test_claim_that_has_its_volume_keeps_it_when_its_class_is_no_longer_offered(
    sides: Sides,
) -> None:
    mirror = await _bound_claim(sides)
    sides.world.scope = sides.world.scope._replace(claim_classes=OFFERED)
    await mirror.reconcile(CLAIM)
    assert sides.host_obj("persistentvolumeclaims", "data") is not None
