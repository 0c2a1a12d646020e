"""PersistentVolumes inside: there while a claim is bound; the tenant's own are never touched."""

from __future__ import annotations

import pytest

from syncer.errors import AlreadyExists
from syncer.identity import MANAGED_BY
from syncer.kube.objects import Key, Obj
from syncer.sync.kinds import KINDS
from syncer.sync.persistentvolumeclaims import ClaimMirror
from syncer.sync.persistentvolumes import VolumeMirror
from syncer.sync.remark import Remark
from syncer.sync.watches import subscribe
from tests.unit.build import claim
from tests.unit.fake_objects import NOW, Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
CLAIM = Key("persistentvolumeclaims", "default", "data")
VOLUME = Key("persistentvolumes", "", "pv-1")
PROTECTION = "kubernetes.io/pv-protection"


def _protect(plural: str, obj: Obj) -> None:
    """What the API's admission does to a new volume."""
    if plural == "persistentvolumes":
        obj["metadata"]["finalizers"] = [PROTECTION]
        obj["status"] = {"phase": "Pending"}


class Storage:
    """Claims and volumes between two sides, and the keys that were queued."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.keys: list[Key] = []
        sides.virt_api.objects.admission.append(_protect)
        self.claims = ClaimMirror(
            KINDS["persistentvolumeclaims"], sides.world, sides.virt, sides.host
        )
        self.mirror = VolumeMirror(sides.world, sides.virt)
        subscribe(self.mirror, lambda request: self.keys.append(request.key))

    async def settle(self) -> Remark | None:
        await self.sides.settle(self.claims.reconcile, CLAIM)
        return await self.sides.settle(self.mirror.reconcile, VOLUME)

    async def bound(self, capacity: str = "1Gi") -> None:
        """Make a claim that is bound on the host."""
        self.sides.add_virt("persistentvolumeclaims", claim())
        await self.sides.settle(self.claims.reconcile, CLAIM)
        place = self.sides.host_place("persistentvolumeclaims", "data")
        status = {"phase": "Bound", "capacity": {"storage": capacity}}
        self.sides.host_api.objects.patch(place, {"spec": {"volumeName": "pv-1"}})
        self.sides.host_api.objects.patch(place, {"status": status}, "status")
        await self.settle()

    @property
    def volume(self) -> Obj | None:
        return self.sides.virt_api.objects.find("persistentvolumes", "", "pv-1")

    def end_protection(self) -> None:
        """What the virtual cluster's own controller does to a volume that is not bound."""
        volume = self.volume
        if volume and volume["metadata"].get("deletionTimestamp"):
            assert volume["status"]["phase"] != "Bound"
            self.sides.virt_api.objects.remove(Place(*VOLUME))


@pytest.fixture
def storage(sides: Sides) -> Storage:
    return Storage(sides)


async def test_volume_of_a_bound_claim_is_shown_and_bound(storage: Storage) -> None:
    await storage.bound()
    assert storage.volume is not None
    assert storage.volume["status"]["phase"] == "Bound"
    claimed = storage.sides.virt_api.objects.get(Place(*CLAIM))
    assert storage.volume["spec"]["claimRef"]["uid"] == claimed["metadata"]["uid"]
    assert VOLUME in storage.keys


async def test_volume_goes_with_its_claim(storage: Storage) -> None:
    await storage.bound()
    storage.sides.virt_api.objects.remove(Place(*CLAIM))
    storage.keys.clear()
    storage.sides.sync()
    assert VOLUME in storage.keys
    await storage.mirror.reconcile(VOLUME)
    storage.end_protection()
    assert storage.volume is None


async def test_volume_that_nobody_claims_any_more_goes_after_a_restart(sides: Sides) -> None:
    storage = Storage(sides)
    await storage.bound()
    sides.virt_api.objects.remove(Place(*CLAIM))
    sides.host_api.objects.remove(sides.host_place("persistentvolumeclaims", "data"))
    sides.sync()
    again = Storage(sides)
    await again.mirror.reconcile(VOLUME)
    again.end_protection()
    assert again.volume is None


async def test_volume_of_a_lost_claim_goes(storage: Storage) -> None:
    await storage.bound()
    place = storage.sides.host_place("persistentvolumeclaims", "data")
    storage.sides.host_api.objects.remove(place)
    storage.keys.clear()
    storage.sides.sync()
    assert storage.keys == [VOLUME]
    await storage.mirror.reconcile(VOLUME)
    storage.end_protection()
    assert storage.volume is None


async def test_volume_that_the_tenant_deletes_stays_until_its_claim_goes(storage: Storage) -> None:
    await storage.bound()
    storage.sides.virt_api.objects.delete(Place(*VOLUME))
    await storage.sides.settle(storage.mirror.reconcile, VOLUME)
    assert storage.volume is not None
    assert storage.volume["status"]["phase"] == "Bound"
    storage.sides.virt_api.objects.remove(Place(*CLAIM))
    await storage.sides.settle(storage.mirror.reconcile, VOLUME)
    assert storage.volume["metadata"]["deletionTimestamp"] == NOW
    storage.end_protection()
    assert storage.volume is None


@pytest.mark.parametrize(
    "edit",
    [
        {"spec": {"capacity": {"storage": "9Ti"}}},
        {"spec": {"persistentVolumeReclaimPolicy": "Retain"}},
        {"spec": {"claimRef": {"name": "other"}}},
        {"metadata": {"annotations": {"pv.kubernetes.io/provisioned-by": None}}},
    ],
)
async def test_what_the_tenant_edits_is_restored(storage: Storage, edit: Obj) -> None:
    await storage.bound()
    before = storage.volume
    assert before is not None
    storage.sides.virt_api.objects.patch(Place(*VOLUME), edit)
    await storage.sides.settle(storage.mirror.reconcile, VOLUME)
    assert storage.volume is not None
    assert storage.volume["spec"] == before["spec"]
    assert storage.volume["metadata"]["annotations"] == before["metadata"]["annotations"]


async def test_volume_grows_with_its_claim(storage: Storage) -> None:
    await storage.bound()
    place = storage.sides.host_place("persistentvolumeclaims", "data")
    status = {"status": {"capacity": {"storage": "2Gi"}}}
    storage.sides.host_api.objects.patch(place, status, "status")
    storage.keys.clear()
    await storage.settle()
    assert set(storage.keys) == {VOLUME}
    assert storage.volume is not None
    assert storage.volume["spec"]["capacity"] == {"storage": "2Gi"}


@pytest.mark.parametrize("labels", [{}, {MANAGED_BY: "somebody"}])
async def test_tenants_volume_of_that_name_is_left_alone_and_the_claim_says_so(
    storage: Storage, labels: Obj
) -> None:
    """Threats F1."""
    own = {"metadata": {"name": "pv-1", "labels": labels}, "spec": {"hostPath": {"path": "/"}}}
    made = storage.sides.virt_api.objects.create("persistentvolumes", "", own)
    await storage.sides.settle(storage.mirror.reconcile, VOLUME)
    assert storage.volume == made
    storage.sides.add_virt("persistentvolumeclaims", claim())
    await storage.sides.settle(storage.claims.reconcile, CLAIM)
    place = storage.sides.host_place("persistentvolumeclaims", "data")
    change = {"spec": {"volumeName": "pv-1"}}
    storage.sides.host_api.objects.patch(place, change)
    storage.sides.host_api.objects.patch(place, {"status": {"phase": "Bound"}}, "status")
    remark = await storage.settle()
    assert storage.volume == made
    assert remark is not None
    assert remark.reason == "VolumeNameTaken"
    assert remark.about["metadata"]["name"] == "data"


async def test_volume_that_the_watch_has_not_shown_yet_is_not_made_twice(storage: Storage) -> None:
    await storage.bound()
    storage.sides.world.shown["persistentvolumes"].virt.replace([])
    with pytest.raises(AlreadyExists):
        await storage.mirror.reconcile(VOLUME)
    storage.sides.writes()
    await storage.mirror.reconcile(VOLUME)
    assert storage.sides.writes() == []
