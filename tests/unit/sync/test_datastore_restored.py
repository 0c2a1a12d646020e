"""A restored datastore: what it knows is adopted, what is newer on the host is held and told."""

from __future__ import annotations

import asyncio
import functools

import pytest

from syncer import identity
from syncer.kube.objects import Obj, annotation
from syncer.state import deletion_brake
from syncer.state.deletion_brake import CLUSTER, RESTORED
from syncer.telemetry.readiness import Progress
from tests.unit.build import claim, configmap, pod, service, twin
from tests.unit.engine import ANCHOR, KUBE_SYSTEM, Engine, restarted
from tests.unit.fake_api import until
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
DNS_LABELS = {"labels": {"k8s-app": "kube-dns"}}


@pytest.fixture
async def engine(sides: Sides) -> Engine:
    """A virtual cluster with three pods on the host, which a first syncer brought there."""
    made = Engine(sides)
    made.furnish()
    made.add_pods(3)
    async with made.running():
        await until(lambda: len(made.host_pods()) == 3)
    return made


def cluster_uid(engine: Engine) -> str:
    return str(engine.virt_api.objects.get(KUBE_SYSTEM)["metadata"]["uid"])


def mark(engine: Engine, *, known: str = "", restored: str = "") -> None:
    """Note on the anchor what `restore` notes, and which datastore was there in between."""
    notes = {CLUSTER: known or cluster_uid(engine), RESTORED: restored or cluster_uid(engine)}
    engine.host_api.objects.patch(ANCHOR, {"metadata": {"annotations": notes}})


def notes(engine: Engine) -> dict[str, str]:
    found: dict[str, str] = engine.anchor()["metadata"]["annotations"]
    return found


def on_host(engine: Engine, kind: str, virt: Obj) -> str:
    """Make a twin that no virtual object explains; return its host name."""
    made = twin(virt, kind)
    engine.host_api.objects.create(kind, "team-x", made)
    return str(made["metadata"]["name"])


def there(engine: Engine, kind: str, name: str) -> bool:
    found = engine.host_api.objects.all.get(Place(kind, "team-x", name))
    return found is not None and "deletionTimestamp" not in found["metadata"]


def uids(engine: Engine) -> set[str]:
    return {each["metadata"]["uid"] for each in engine.host_api.objects.of("pods")}


def failed(engine: Engine, place: Place) -> bool:
    status = engine.virt_api.objects.get(place)["status"]
    return (status["phase"], status.get("reason")) == ("Failed", "HostPodGone")


def ready(engine: Engine) -> bool:
    progress = Progress()
    progress.controller, progress.sources = engine.controller, engine.sources
    return progress.ready()


@pytest.mark.parametrize("known", ["", "of-the-empty-datastore-in-between"])
async def test_what_the_backup_knows_is_adopted(engine: Engine, known: str) -> None:
    """Threats R4: the volume was lost, and its backup put in place."""
    before = uids(engine)
    mark(engine, known=known)
    again = restarted(engine)
    async with again.running():
        await until(lambda: RESTORED not in notes(engine))
        assert notes(engine)[CLUSTER] == cluster_uid(engine)
        assert uids(engine) == before
        assert engine.deletions() == 0
        assert not again.world.brake.held
        assert ready(again)


async def test_a_mark_of_another_backup_is_no_permission(engine: Engine) -> None:
    mark(engine, known="another", restored="yet-another")
    again = restarted(engine)
    async with again.running():
        assert {key.name for key in again.world.brake.held} == {
            "kube-dns",
            "web-0",
            "web-1",
            "web-2",
        }
        assert not ready(again)
        assert notes(engine)[CLUSTER] == "another"


@pytest.mark.parametrize(
    ("kind", "virt"),
    [
        ("pods", pod("newer")),
        ("services", service("newer")),
        ("persistentvolumeclaims", claim("newer")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_newer_is_held_be_it_one_object(engine: Engine, kind: str, virt: Obj) -> None:
    """Threats R29. The virtual cluster works meanwhile, and a restart changes nothing."""
    name = on_host(engine, kind, virt)
    mark(engine)
    for again in (restarted(engine), restarted(engine)):
        async with again.running():
            await asyncio.sleep(0.1)
            assert there(engine, kind, name)
            assert [key.name for key in again.world.brake.held] == ["newer"]
            assert ready(again)
            assert notes(engine)[RESTORED] == cluster_uid(engine)
    async with restarted(engine).running():
        engine.confirm()
        await until(lambda: not there(engine, kind, name))
        await until(lambda: not {RESTORED, deletion_brake.CONFIRM} & {*notes(engine)})
    assert len(engine.host_pods()) == 3


async def test_one_that_came_in_its_place_since_is_newer_too(engine: Engine) -> None:
    """As web-0 of a StatefulSet, made anew after the backup: same name, other UID."""
    change = {"metadata": {"annotations": {identity.UID: "made-since"}}}
    place = Place("pods", "team-x", "web-0-x-default-x-vc")
    engine.host_api.objects.patch(place, change)
    mark(engine)
    again = restarted(engine)
    async with again.running():
        await asyncio.sleep(0.1)
        assert annotation(engine.host_api.objects.get(place), identity.UID) == "made-since"
        assert [key.name for key in again.world.brake.held] == ["web-0"]


async def test_its_own_dns_is_never_held(engine: Engine) -> None:
    """A fresh installation has one of another datastore before anything is restored into it."""
    dns = on_host(engine, "pods", pod("coredns-1", "kube-system", metadata=DNS_LABELS))
    tenants = on_host(engine, "pods", pod("mine", metadata=DNS_LABELS))
    mark(engine)
    async with restarted(engine).running():
        await until(lambda: not there(engine, "pods", dns))
        assert there(engine, "pods", tenants)


async def test_copies_are_held_with_the_pods_that_may_need_them(engine: Engine) -> None:
    held = on_host(engine, "pods", pod("newer"))
    copy = on_host(engine, "configmaps", configmap("of-newer"))
    mark(engine)
    async with restarted(engine).running():
        await asyncio.sleep(0.1)
        assert there(engine, "configmaps", copy)
        engine.host_api.objects.remove(Place("pods", "team-x", held))
        await until(lambda: not there(engine, "configmaps", copy))
        await until(lambda: RESTORED not in notes(engine))


async def test_copies_alone_hold_up_nothing(engine: Engine) -> None:
    copy = on_host(engine, "configmaps", configmap("unused"))
    mark(engine)
    async with restarted(engine).running():
        await until(lambda: not there(engine, "configmaps", copy))
        await until(lambda: RESTORED not in notes(engine))


async def test_held_objects_that_are_deleted_by_hand_are_forgotten(engine: Engine) -> None:
    names = [on_host(engine, "pods", pod(f"newer-{number}")) for number in range(2)]
    mark(engine)
    again = restarted(engine)
    async with again.running():
        await until(lambda: len(again.world.brake.held) == 2)
        engine.host_api.objects.remove(Place("pods", "team-x", names[0]))
        await until(lambda: len(again.world.brake.held) == 1)
        assert there(engine, "pods", names[1])
        assert RESTORED in notes(engine)
        engine.host_api.objects.remove(Place("pods", "team-x", names[1]))
        await until(lambda: RESTORED not in notes(engine))
        assert not again.world.brake.held


async def test_pods_whose_twins_are_gone_are_told_and_never_run_again(engine: Engine) -> None:
    """Bare ones fail; a controller replaces its own."""
    started = {"status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}}
    owner = {"controller": True, "kind": "ReplicaSet", "name": "rs", "uid": "1"}
    owned = {"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", **owner}]}}
    virt = engine.virt_api.objects
    for number in range(3):
        place = Place("pods", "default", f"web-{number}")
        virt.patch(place, started, "status")
        engine.host_api.objects.forget(Place("pods", "team-x", f"web-{number}-x-default-x-vc"))
    virt.patch(Place("pods", "default", "web-0"), owned)
    mark(engine, known="of-the-empty-datastore-in-between")
    async with restarted(engine).running():
        await until(lambda: Place("pods", "default", "web-0") not in virt.all)
        for name in ("web-1", "web-2"):
            place = Place("pods", "default", name)
            await until(functools.partial(failed, engine, place))
        assert engine.host_pods() == []
