"""Held deletions: kept on the anchor, so that neither a restart nor a failover forgets them."""

from __future__ import annotations

import pytest

from syncer import identity
from syncer.kube.objects import Key, Obj, annotation
from syncer.state import deletion_brake
from syncer.state.deletion_brake import HELD, MOST, decode
from tests.unit.build import IDENT, claim, pod, service, twin
from tests.unit.engine import ANCHOR, Engine, restarted
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(30)
MANY = MOST + 5
VIRT: dict[str, Obj] = {
    "pods": pod("old"),
    "services": service("old", clusterIP="None"),
    "persistentvolumeclaims": claim("old"),
}
"""The paths by which host objects are deleted: pods have one of their own."""


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


def kept(engine: Engine) -> dict[Key, str]:
    return decode((engine.anchor().get("binaryData") or {}).get(HELD, ""))


def lose(engine: Engine, kind: str, name: str) -> None:
    """Take a virtual object out of the datastore as an old copy of it does: nobody says so."""
    engine.virt_api.objects.forget(Place(kind, "default", name))


async def test_missing_pods_with_tokens_are_held_though_their_secrets_outnumber_them(
    engine: Engine,
) -> None:
    """Threats R29. Secrets with tokens can never be orphans: they must not outvote those that are.

    Three for each pod, so that pods are a quarter of what there is.
    """
    engine.add_pods(MANY)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == MANY, 20)
    for number in range(3 * MANY):
        key = Key("tokens", "default", f"web-{number % MANY}")
        metadata = {**IDENT.metadata(key, pod(key.name)), "name": f"tokens-{number}"}
        engine.host_api.objects.create("secrets", "team-x", {"metadata": metadata, "data": {}})
    for number in range(MANY):
        lose(engine, "pods", f"web-{number}")
    again = restarted(engine)
    async with again.running():
        await until(lambda: len(kept(engine)) == MANY)
        assert len(engine.host_pods()) == MANY


def orphans(engine: Engine, kind: str, count: int) -> list[Key]:
    """Make host objects whose virtual ones are gone."""
    keys = [Key(kind, "default", f"old-{number}") for number in range(count)]
    for key in keys:
        virt = {**VIRT[kind], "metadata": {**VIRT[kind]["metadata"], "name": key.name}}
        engine.host_api.objects.create(kind, "team-x", twin(virt, kind))
    return keys


def place_of(engine: Engine, key: Key) -> Place:
    return Place(key.kind, "team-x", engine.world.host_name(key))


async def hold_one(engine: Engine, kind: str) -> Key:
    """Let one deletion be held that alone would not be."""
    last, *others = orphans(engine, kind, MANY)
    async with engine.running():
        await until(lambda: kept(engine).keys() == {last, *others})
        for key in others:
            engine.host_api.objects.remove(place_of(engine, key))
        await until(lambda: kept(engine).keys() == {last})
    return last


@pytest.mark.parametrize("kind", VIRT)
async def test_hold_outlives_a_restart_be_it_of_one_object(engine: Engine, kind: str) -> None:
    key = await hold_one(engine, kind)
    place = place_of(engine, key)
    for _ in range(2):
        again = restarted(engine)
        async with again.running():
            attempts = again.controller.attempts
            await until(lambda: key in attempts.unsynced)  # noqa: B023
            assert attempts.unsynced[key].result == "held"
            assert again.world.brake.held.keys() == {key}
            assert engine.host_api.objects.find(*place) is not None
    async with restarted(engine).running():
        engine.confirm()
        await until(lambda: engine.host_api.objects.find(*place) is None, 20)
        await until(lambda: kept(engine) == {})
        await until(
            lambda: deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]
        )


async def test_word_of_the_operator_while_nobody_ran_counts_for_what_was_held(
    engine: Engine,
) -> None:
    await hold_one(engine, "pods")
    engine.confirm()
    async with restarted(engine).running():
        await until(lambda: engine.host_pods() == [])
        await until(lambda: kept(engine) == {})


@pytest.mark.parametrize("meanwhile", ["while it ran", "while nobody ran"])
async def test_key_is_let_go_when_its_virtual_object_is_there_again(
    engine: Engine, meanwhile: str
) -> None:
    """As when the right datastore is put back, or a list was short for a moment."""
    key = await hold_one(engine, "pods")
    uid = annotation(engine.host_api.objects.get(place_of(engine, key)), identity.UID)

    def come_back() -> None:
        virt = pod(key.name, metadata={"uid": uid})
        engine.virt_api.objects.create("pods", "default", virt)
        place = Place("pods", "default", key.name)
        engine.virt_api.objects.get(place)["metadata"]["uid"] = uid

    if meanwhile == "while nobody ran":
        come_back()
    async with restarted(engine).running():
        if meanwhile == "while it ran":
            come_back()
        await until(lambda: kept(engine) == {})
        assert engine.host_pods() == [key.name]
        engine.virt_api.objects.remove(Place("pods", "default", key.name))  # the tenant's wish
        await until(lambda: engine.host_pods() == [])


async def test_hold_is_written_down_as_soon_as_the_host_answers(engine: Engine) -> None:
    engine.host_api.faults.add(Fault("PATCH", "configmaps", status=503, times=3))
    keys = orphans(engine, "pods", MANY)
    async with engine.running():
        await until(lambda: kept(engine).keys() == {*keys}, 20)
    assert engine.host_api.objects.get(ANCHOR)["binaryData"].keys() == {HELD}
