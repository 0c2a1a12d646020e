"""Several replicas: one writes, the others know all and wait; and what ends a term."""

from __future__ import annotations

import asyncio

import pytest

from syncer.app.replica import UNFIT
from syncer.errors import LostLease, NotLeading
from syncer.kube.objects import Key, Obj
from syncer.kube.resources import CONFIGMAPS
from tests.unit.build import IDENT, claim, pod
from tests.unit.engine import ANCHOR, Engine
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.replicas import LEASE, Running, holder, running
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(30)
WAIT = 15.0


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    found = {"metadata": {"name": "vc-discovered"}, "data": {"SERVICE_IP": "10.96.0.77"}}
    made.host_api.objects.create("configmaps", "team-x", found)
    return made


async def _leading(one: Running) -> None:
    await until(one.syncs, WAIT)


async def _standing_by(one: Running) -> None:
    await until(lambda: one.progress.standing_by and one.leader.holder, WAIT)


def _uids(engine: Engine) -> dict[str, str]:
    pods: list[Obj] = engine.host_api.objects.of("pods")
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in pods}


async def test_one_writes_and_both_are_ready_and_serve_the_nodes(engine: Engine) -> None:
    engine.add_pods(3)
    async with running(engine, 0) as first, running(engine, 1) as second:
        await until(lambda: first.syncs() or second.syncs(), WAIT)
        leader, other = (first, second) if first.syncs() else (second, first)
        await _standing_by(other)
        await until(lambda: len(engine.host_pods()) == 3)
        await until(lambda: other.endpoint.ports == leader.endpoint.ports != {})
        assert holder(engine) == leader.leader.me
        assert leader.troubles() == other.troubles() == {}
        assert leader.writes() > 0
        assert other.writes() == 0
        assert (leader.leader.holds(), other.leader.holds()) == (True, False)
        with pytest.raises(NotLeading):
            await other.clients[1].create(CONFIGMAPS, "team-x", {"metadata": {"name": "x"}})


async def test_next_one_knows_which_claim_a_volume_belongs_to(engine: Engine) -> None:
    """It would take the volume away at its first change, as one that no claim is bound to."""
    volume, objects = Place("persistentvolumes", "", "pv-1"), engine.virt_api.objects
    objects.create("persistentvolumeclaims", "default", claim())
    host_name = IDENT.host_name(Key("persistentvolumeclaims", "default", "data"))
    twin = Place("persistentvolumeclaims", "team-x", host_name)
    host_objects = engine.host_api.objects
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: host_objects.find(*twin), WAIT)
        status = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
        host_objects.patch(twin, {"spec": {"volumeName": volume.name}})
        host_objects.patch(twin, {"status": status}, "status")
        await until(lambda: (objects.find(*volume) or {}).get("status"), WAIT)
        made = objects.find(*volume)
        assert made is not None
        async with running(engine, 1) as second:
            await _standing_by(second)
            await first.stop()
            await _leading(second)
            objects.patch(volume, {"spec": {"capacity": {"storage": "9Gi"}}})
            await until(lambda: (objects.find(*volume) or made)["spec"] == made["spec"], WAIT)
            assert objects.find(*volume) is not None


async def test_next_one_takes_over_at_once_and_nothing_is_lost_doubled_or_written_again(
    engine: Engine,
) -> None:
    engine.add_pods(4)
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: len(engine.host_pods()) == 4)
        async with running(engine, 1) as second:
            await _standing_by(second)
            before, deletions = _uids(engine), engine.deletions()
            await first.stop()
            await _leading(second)
            assert _uids(engine) == before
            engine.virt_api.objects.create("pods", "default", pod("late"))
            await until(lambda: "late" in engine.host_pods())
            assert before.items() <= _uids(engine).items()
            assert engine.deletions() == deletions
            assert engine.host_api.objects.get(LEASE)["spec"]["leaseTransitions"] == 1


async def test_what_was_deleted_while_nobody_led_goes_with_the_next_term(engine: Engine) -> None:
    """Threats R14."""
    engine.add_pods(4)
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: len(engine.host_pods()) == 4)
    for place in [p for p in engine.virt_api.objects.all if p.name == "web-0"]:
        engine.virt_api.objects.remove(place)
    async with running(engine, 1) as second:
        await _leading(second)
        await until(lambda: engine.host_pods() == ["web-1", "web-2", "web-3"])


async def test_one_that_was_stopped_for_a_minute_writes_nothing_and_ends(engine: Engine) -> None:
    """Threats R16."""
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: not len(first.controller.queue))  # nothing is under way
        first.clock.advance(60.0)
        made = first.writes()
        engine.add_pods(3)
        with pytest.raises(ExceptionGroup) as ended:
            await first.task
        assert ended.group_contains(LostLease, depth=2)
        assert first.writes() == made
        assert engine.host_pods() == []
        assert holder(engine) == "vc-0"  # what it no longer has it does not give back either


async def test_one_whose_api_server_is_away_leaves_the_lead_to_another(engine: Engine) -> None:
    async with running(engine, 0) as first:
        await _leading(first)
        async with running(engine, 1) as second:
            await _standing_by(second)
            first.virt_api.faults.add(Fault("GET", "namespaces", status=503, times=10_000))
            await first.replica.pulse.beat()
            assert "virt-api" in first.troubles()
            first.clock.advance(UNFIT - 1)
            assert first.replica.unfit() == ""
            first.clock.advance(2)
            await _leading(second)
            await asyncio.wait({first.task})
            assert second.troubles() == {}


async def test_api_servers_endpoints_are_the_ready_pods_whoever_leads(engine: Engine) -> None:
    def of(*ips: str) -> Obj:
        return {"subsets": [{"addresses": [{"ip": each} for each in ips]}]}

    def told() -> list[str]:
        found = engine.virt_api.objects.find("endpoints", "default", "kubernetes") or {}
        return [each["ip"] for each in (found.get("subsets") or [{}])[0].get("addresses", ())]

    pods = Place("endpoints", "team-x", "vc")
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: told() == ["10.42.0.0"])  # its own, while the host says nothing
        engine.host_api.objects.create("endpoints", "team-x", {"metadata": {"name": "vc"}})
        engine.host_api.objects.patch(pods, of("10.42.0.1", "10.42.0.0"))
        await until(lambda: told() == ["10.42.0.0", "10.42.0.1"])
    async with running(engine, 1) as second:
        engine.host_api.objects.patch(pods, of("10.42.0.1"))
        await _leading(second)
        await until(lambda: told() == ["10.42.0.1"])


async def test_nobody_leads_any_more_once_the_anchor_is_gone(engine: Engine) -> None:
    """helm delete: a Lease that is made anew would stay behind."""
    async with running(engine, 0) as first, running(engine, 1) as second:
        await until(lambda: first.syncs() or second.syncs(), WAIT)
        leader, other = (first, second) if first.syncs() else (second, first)
        await _standing_by(other)
        engine.host_api.objects.remove(ANCHOR)
        await until(lambda: other.replica.unfit() == "the anchor is gone")
        await asyncio.wait({leader.task})
        engine.host_api.objects.remove(LEASE)
        await asyncio.sleep(0.2)
        assert engine.host_api.objects.find(*LEASE) is None


async def test_exchanged_datastore_holds_deletions_also_when_another_leads(engine: Engine) -> None:
    """Threats R4."""
    engine.add_pods(3)
    async with running(engine, 0) as first:
        await _leading(first)
        await until(lambda: len(engine.host_pods()) == 3)
    engine.exchange_datastore()
    async with running(engine, 1) as second:
        await _leading(second)
        await asyncio.sleep(0.1)
        assert len(engine.host_pods()) == 3
        assert second.troubles().keys() == {"datastore", "deletions"}
        assert "confirm-deletions=yes" in second.troubles()["datastore"]
        engine.confirm()
        await until(lambda: not second.troubles(), WAIT)


@pytest.mark.parametrize(
    ("side", "method", "resource"),
    [
        ("host", "POST", "secrets"),  # the kubeconfig's
        ("host", "GET", "configmaps"),  # the anchor, and what was discovered
        ("host", "PATCH", "configmaps"),
        ("virt", "LIST", "events"),
    ],
)
@pytest.mark.parametrize("status", [0, 429, 503])
async def test_new_leader_asks_again_within_its_term(
    engine: Engine, side: str, method: str, resource: str, status: int
) -> None:
    engine.add_pods(1)
    async with running(engine, 0) as one:
        api = engine.host_api if side == "host" else one.virt_api
        api.faults.add(Fault(method, resource, status=status, times=2))  # only a leader asks this
        await _leading(one)
        await until(lambda: len(engine.host_pods()) == 1, WAIT)
        assert not one.task.done()
        assert engine.host_api.objects.get(LEASE)["spec"]["leaseTransitions"] == 0
