"""The watches together: when all is known, which cluster it is, and when to delete nothing."""

from __future__ import annotations

import asyncio

import pytest

from syncer.errors import Unreachable
from syncer.kube.objects import Key
from syncer.state import deletion_brake
from syncer.state.deletion_brake import MOST
from tests.unit.build import IDENT, configmap, pod, twin
from tests.unit.engine import ANCHOR, KUBE_SYSTEM, Engine, restarted
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
MANY = MOST + 5


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


async def _with_pods(engine: Engine, count: int) -> None:
    """Let a first syncer bring pods to the host."""
    engine.add_pods(count)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == count)


async def test_start_waits_for_every_list_and_says_for_which(engine: Engine) -> None:
    engine.host_api.faults.add(Fault("LIST", "services", status=403, message="no right", times=99))
    task = asyncio.create_task(engine.sources.synced())
    runners = [asyncio.create_task(each.run()) for each in engine.sources.reflectors]
    await until(lambda: "no right" in engine.sources.trouble())
    assert engine.sources.trouble().startswith("waiting for host services")
    assert not task.done()
    engine.host_api.faults.clear()
    async with asyncio.timeout(5):
        await task
    assert engine.sources.trouble() == ""
    for runner in runners:
        runner.cancel()
    await asyncio.gather(*runners, return_exceptions=True)


async def test_host_is_watched_by_our_mark_and_the_virtual_side_whole(engine: Engine) -> None:
    async with engine.running():
        marked = {
            asked.query.get("labelSelector")
            for asked in engine.host_api.requests
            if asked.method == "LIST" and asked.resource == "pods"
        }
        assert marked == {IDENT.selector}
        assert {asked.namespace for asked in engine.host_api.made("LIST", "pods")} == {"team-x"}
        assert {asked.namespace for asked in engine.virt_api.made("LIST", "pods")} == {""}


# --- which cluster it is


async def test_first_start_notes_the_cluster_on_the_anchor(engine: Engine) -> None:
    async with engine.running():
        uid = engine.virt_api.objects.get(KUBE_SYSTEM)["metadata"]["uid"]
        assert engine.anchor()["metadata"]["annotations"] == {deletion_brake.CLUSTER: uid}


async def test_restart_with_the_same_datastore_writes_nothing(engine: Engine) -> None:
    await _with_pods(engine, 3)
    again = restarted(engine)
    engine.sides.writes()
    async with again.running():
        await asyncio.sleep(0.1)
        assert engine.sides.writes() == []


async def test_exchanged_datastore_deletes_nothing_until_the_operator_confirms(
    engine: Engine,
) -> None:
    """Threats R4: few objects or many."""
    await _with_pods(engine, 3)
    engine.exchange_datastore()
    again = restarted(engine)
    async with again.running():
        await asyncio.sleep(0.1)
        assert len(engine.host_pods()) == 3
        assert again.deletions() == 0
        assert again.world.brake.held
        again.confirm()
        await until(lambda: not engine.host_pods())
        await until(
            lambda: deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]
        )
        uid = engine.virt_api.objects.get(KUBE_SYSTEM)["metadata"]["uid"]
        assert engine.anchor()["metadata"]["annotations"][deletion_brake.CLUSTER] == uid


async def test_exchanged_datastore_that_the_operator_confirmed_beforehand(engine: Engine) -> None:
    await _with_pods(engine, MANY)
    engine.exchange_datastore()
    engine.confirm()
    async with restarted(engine).running():
        await until(lambda: not engine.host_pods())
        assert deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]


async def test_datastore_that_does_not_outlive_a_pod_is_accepted(engine: Engine) -> None:
    await _with_pods(engine, MANY)
    engine.exchange_datastore()
    async with restarted(engine).running(accept=True):
        await until(lambda: not engine.host_pods())


async def test_datastore_exchanged_while_we_watch_is_never_listed(engine: Engine) -> None:
    """Threats rule 5: the wrong cluster's silence deletes nothing."""
    engine.add_pods(3)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == 3)
        engine.exchange_datastore()
        engine.virt_api.objects.compact()
        engine.virt_api.end_watches()
        troubled = [each for each in engine.sources.reflectors if each.client.side == "virt"]
        await until(lambda: all(isinstance(each.trouble, Unreachable) for each in troubled))
        assert len(engine.world.virt["pods"]) == 3
        assert engine.deletions() == 0


# --- the brake


async def test_orphans_of_a_few_go_at_start(engine: Engine) -> None:
    """Threats R14."""
    engine.add_orphans(3)
    async with engine.running():
        await until(lambda: not engine.host_pods())


async def test_orphans_of_most_objects_are_held_until_the_operator_confirms(
    engine: Engine,
) -> None:
    """Threats R29: a datastore restored from yesterday."""
    engine.add_orphans(MANY)
    async with engine.running():
        await asyncio.sleep(0.1)
        assert engine.deletions() == 0
        assert len(engine.host_pods()) == MANY
        engine.confirm()
        await until(lambda: not engine.host_pods())
        await until(
            lambda: deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]
        )


async def test_news_about_objects_is_not_counted_among_them(engine: Engine) -> None:
    """Threats R29: a host keeps each event for an hour, several for each pod."""
    engine.add_orphans(MANY)
    for number in range(10 * MANY):
        about = {"kind": "Pod", "name": f"old-{number % MANY}", "namespace": "team-x"}
        event = {"metadata": {"name": f"e-{number}"}, "involvedObject": about, "reason": "Pulled"}
        engine.host_api.objects.create("events", "team-x", event)
    async with engine.running():
        await asyncio.sleep(0.1)
        assert engine.deletions() == 0
        assert len(engine.world.brake.held) == MANY


async def test_objects_that_a_list_misses_by_the_dozen_are_held_and_with_them_what_they_need(
    engine: Engine,
) -> None:
    volume = {"name": "v", "configMap": {"name": "conf"}}
    engine.virt_api.objects.create("configmaps", "default", configmap())
    for number in range(MANY):
        virt = pod(f"web-{number}", volumes=[volume])
        engine.virt_api.objects.create("pods", "default", virt)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == MANY)
        for number in range(MANY):
            engine.virt_api.objects.forget(Place("pods", "default", f"web-{number}"))
        engine.virt_api.objects.compact()
        engine.virt_api.end_watches()
        await until(lambda: len(engine.world.virt["pods"]) == 0)
        await asyncio.sleep(0.1)
        assert engine.deletions() == 0
        engine.confirm()
        await until(lambda: not engine.host_pods())
        await until(lambda: engine.sides.host_obj("configmaps", "conf") is None)


async def test_objects_that_a_watch_shows_deleted_go_however_many(engine: Engine) -> None:
    """That is the tenant's wish."""
    engine.add_pods(MANY)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == MANY)
        for number in range(MANY):
            engine.virt_api.objects.remove(Place("pods", "default", f"web-{number}"))
        await until(lambda: not engine.host_pods())


async def test_word_of_the_operator_counts_once(engine: Engine) -> None:
    """A stale confirmation must not decide about the next loss."""
    engine.confirm()
    async with engine.running():
        await until(
            lambda: deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]
        )
        engine.confirm()
        await until(
            lambda: deletion_brake.CONFIRM not in engine.anchor()["metadata"]["annotations"]
        )


# --- the end


async def test_anchor_that_is_gone_ends_all_writes(engine: Engine) -> None:
    """helm delete: the garbage collector removes what the anchor owned."""
    async with engine.running():
        engine.host_api.objects.remove(ANCHOR)
        await until(lambda: engine.sources.uninstalling)
        await asyncio.sleep(0.1)  # what was under way may end
        engine.sides.writes()
        engine.add_pods(3)
        for place in [p for p in engine.host_api.objects.all if p.plural == "services"]:
            engine.host_api.objects.remove(place)
        await asyncio.sleep(0.1)
        assert engine.sides.writes() == []


async def test_anchor_of_another_installation_is_not_ours(engine: Engine) -> None:
    async with engine.running():
        engine.host_api.objects.remove(ANCHOR)
        await until(lambda: engine.sources.uninstalling)
        engine.host_api.objects.create("configmaps", "team-x", {"metadata": {"name": ANCHOR.name}})
        await asyncio.sleep(0.05)
        assert engine.sources.uninstalling


def test_orphans_are_twins_whose_virtual_object_is_missing(engine: Engine) -> None:
    engine.sides.add_virt("pods", pod("here"))
    for name in ("here", "gone"):
        engine.sides.add_host("pods", twin(pod(name), "pods"))
    engine.sides.add_host("configmaps", twin(configmap("c"), "configmaps"))
    gone = {Key("pods", "default", "gone"), Key("configmaps", "default", "c")}
    assert engine.sources.datastore.orphans() == gone
    assert engine.sources.datastore.twins() == {*gone, Key("pods", "default", "here")}
