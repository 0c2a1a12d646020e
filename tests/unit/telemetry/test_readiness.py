"""What readiness depends on, from the start to each kind of trouble."""

from __future__ import annotations

import asyncio

import pytest

from syncer.kube.api_probe import Pulse
from syncer.kube.freshness import FAILING, SILENT
from syncer.kube.objects import Key
from syncer.telemetry.readiness import Progress
from tests.unit.build import Clock
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


def _troubles(progress: Progress) -> dict[str, str]:
    return {each.name: each.trouble for each in progress.checks() if each.trouble}


def _progress(engine: Engine, clock: Clock) -> Progress:
    progress = Progress()
    progress.sources, progress.controller = engine.sources, engine.controller
    progress.pulse = Pulse(engine.sources.datastore.check_cluster, clock)
    for each in engine.sources.reflectors:
        each.freshness = type(each.freshness)(clock)
    return progress


async def test_start_tells_each_stage_and_then_nothing(engine: Engine) -> None:
    progress = Progress()
    assert _troubles(progress) == {"start": "starting"}
    progress.stage = "waiting for the kubeconfig of k3s"
    assert _troubles(progress) == {"start": "waiting for the kubeconfig of k3s"}
    assert not progress.ready()
    assert not progress.in_step
    progress.sources = engine.sources
    assert _troubles(progress)["start"].startswith("waiting for virt")
    progress.controller = engine.controller
    assert "start" in _troubles(progress)
    async with engine.running():
        assert _troubles(progress) == {}
        assert progress.in_step


async def test_one_that_stands_by_is_ready() -> None:
    progress = Progress()
    progress.standing_by = True
    assert _troubles(progress) == {}


async def test_deletions_that_are_held_are_told(engine: Engine) -> None:
    async with engine.running():
        progress = _progress(engine, Clock())
        engine.world.brake.hold([Key("pods", "default", "web")], "a test")
        assert _troubles(progress).keys() == {"deletions"}
        engine.confirm()
        await until(lambda: _troubles(progress) == {})


@pytest.mark.parametrize("side", ["virt", "host"])
async def test_side_that_fails_for_longer_than_the_limit_is_told_with_all_that_is_stale(
    engine: Engine, side: str
) -> None:
    """Threats R5, R6."""
    clock = Clock()
    async with engine.running():
        progress = _progress(engine, clock)
        api = getattr(engine, f"{side}_api")
        api.faults.add(Fault("WATCH", status=503, message="no etcd", times=10_000))
        api.faults.add(Fault("LIST", status=503, message="no etcd", times=10_000))
        api.end_watches()
        ours = [each for each in engine.sources.reflectors if each.client.side == side]
        await until(lambda: all(each.trouble for each in ours))
        assert _troubles(progress) == {}  # a server that restarts is no news
        clock.advance(FAILING + 1)
        told = _troubles(progress)
        assert told.keys() == {f"{side}-watches"}
        assert "no etcd" in told[f"{side}-watches"]
        assert all(each.resource.plural in told[f"{side}-watches"] for each in ours)
        api.faults.clear()
        await until(lambda: _troubles(progress) == {})


async def test_silence_of_both_sides_gives_both_reasons(engine: Engine) -> None:
    """Threats R6: a black hole ends no connection."""
    clock = Clock()
    async with engine.running():
        progress = _progress(engine, clock)
        clock.advance(SILENT + 1)
        assert _troubles(progress).keys() == {"virt-watches", "host-watches"}
        assert "no word for 91 s" in _troubles(progress)["host-watches"]


async def test_virtual_api_server_that_does_not_answer_is_told(engine: Engine) -> None:
    clock = Clock()
    async with engine.running():
        progress = _progress(engine, clock)
        assert progress.pulse is not None
        engine.virt_api.faults.add(Fault("GET", "namespaces", status=500, message="no etcd"))
        await progress.pulse.beat()
        clock.advance(3)
        assert _troubles(progress).keys() == {"virt-api"}
        assert "for 3 s: 500 : no etcd" in _troubles(progress)["virt-api"]
        await progress.pulse.beat()
        assert _troubles(progress) == {}


async def test_datastore_that_is_exchanged_is_told_until_the_right_one_is_back(
    engine: Engine,
) -> None:
    """Threats R4."""
    async with engine.running():
        progress = _progress(engine, Clock())
        assert progress.pulse is not None
        ours = dict(engine.virt_api.objects.all)
        engine.exchange_datastore()
        await progress.pulse.beat()
        assert _troubles(progress).keys() == {"datastore"}
        assert "was exchanged" in _troubles(progress)["datastore"]
        engine.virt_api.objects.all = ours
        await progress.pulse.beat()
        assert _troubles(progress) == {}
        await asyncio.sleep(0)
