"""Events of the host, told again on the virtual objects: once, in virtual words, and counted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from syncer import identity
from syncer.errors import ServerError
from syncer.kube.objects import Key, Obj
from syncer.sync.events import EventMirror
from tests.unit.build import claim, pod, twin
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
NAME = "web-x-default-x-vc"
EVENT = Key("events", "team-x", "web.1")


class Bench:
    def __init__(self, sides: Sides, name: str = "web") -> None:
        self.sides = sides
        self.virt = sides.add_virt("pods", pod(name))
        self.host = sides.add_host("pods", twin(self.virt, "pods"))
        self.mirror = EventMirror(sides.world, sides.virt)

    def event(self, name: str = "web.1", **fields: Any) -> Obj:
        meta = self.host["metadata"]
        involved = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "team-x",
            "name": meta["name"],
            "uid": meta["uid"],
            **fields.pop("involved", {}),
        }
        event = {
            "metadata": {"name": name, "namespace": "team-x"},
            "involvedObject": involved,
            "type": "Normal",
            "reason": "Started",
            "message": f"Started container main of team-x/{meta['name']}",
            "source": {"component": "kubelet", "host": "node-1"},
            "firstTimestamp": "2026-01-01T00:00:00Z",
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "count": 1,
            **fields,
        }
        return self.sides.add_host("events", event)

    def change(self, **fields: Any) -> None:
        self.sides.host_api.objects.patch(Place(*EVENT), fields)

    async def step(self, key: Key = EVENT) -> None:
        self.sides.sync()
        await self.mirror.reconcile(key)

    def told(self) -> list[Obj]:
        return self.sides.virt_api.objects.of("events")

    def only(self) -> Obj:
        (event,) = self.told()
        return event


@pytest.fixture
def bench(sides: Sides) -> Bench:
    return Bench(sides)


async def test_event_is_told_on_the_virtual_object_in_virtual_words(bench: Bench) -> None:
    bench.event(involved={"fieldPath": "spec.containers{main}"})
    await bench.step()
    event = bench.only()
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "default",
        "name": "web",
        "uid": bench.virt["metadata"]["uid"],
        "fieldPath": "spec.containers{main}",
    }
    assert event["message"] == "Started container main of default/web"
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    assert (event["type"], event["reason"], event["count"]) == ("Normal", "Started", 1)
    assert event["metadata"]["namespace"] == "default"
    assert event["metadata"]["labels"] == {identity.MANAGED_BY: "vc"}


async def test_event_is_told_once(bench: Bench) -> None:
    bench.event()
    for _ in range(3):
        await bench.step()
    assert bench.sides.writes() == [("virt", "POST", "events")]


async def test_event_that_happens_again_is_counted_on_the_same_one(bench: Bench) -> None:
    bench.event()
    await bench.step()
    bench.change(count=7, lastTimestamp="2026-01-01T00:05:00Z")
    await bench.step()
    event = bench.only()
    assert (event["count"], event["lastTimestamp"]) == (7, "2026-01-01T00:05:00Z")
    assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"


async def test_restart_repeats_none_and_counts_on(bench: Bench) -> None:
    bench.event()
    await bench.step()
    bench.sides.virt_api.objects.create(
        "events", "default", {"metadata": {"name": "tenants-own"}, "count": 1}
    )
    bench.mirror = EventMirror(bench.sides.world, bench.sides.virt)
    await bench.mirror.begin()
    bench.sides.writes()
    await bench.step()
    assert bench.sides.writes() == []
    bench.change(count=2)
    await bench.step()
    assert bench.sides.writes() == [("virt", "PATCH", "events")]


async def test_event_that_stands_already_is_met(bench: Bench) -> None:
    bench.event()
    bench.sides.virt_api.faults.add(Fault("POST", "events", status=500, commit=True))
    with pytest.raises(ServerError):
        await bench.step()
    await bench.step()
    assert len(bench.told()) == 1


async def test_event_that_the_virtual_api_forgot_is_told_anew(bench: Bench) -> None:
    bench.event()
    await bench.step()
    told = bench.only()["metadata"]
    bench.sides.virt_api.objects.remove(Place("events", "default", told["name"]))
    bench.change(count=2)
    await bench.step()
    bench.change(count=3)
    await bench.step()
    assert bench.only()["count"] == 3


@pytest.mark.parametrize("status", [403, 404])
async def test_event_for_a_namespace_that_goes_is_dropped(bench: Bench, status: int) -> None:
    bench.event()
    bench.sides.virt_api.faults.add(Fault("POST", "events", status=status))
    await bench.step()
    assert bench.told() == []


@pytest.mark.parametrize(
    "involved",
    [
        {"uid": "of an earlier pod"},  # I2: filtered by UID
        {"name": "somebody-elses"},
        {"namespace": "other"},
        {"kind": "Node"},
        {"kind": "StatefulSet"},
        {"kind": "ConfigMap"},
        {"kind": "Ingress"},
    ],
)
async def test_event_about_anything_else_is_not_told(bench: Bench, involved: Obj) -> None:
    bench.event(involved=involved)
    await bench.step()
    assert bench.told() == []


async def test_event_about_a_twin_of_an_earlier_virtual_object_is_not_told(bench: Bench) -> None:
    bench.event()
    bench.sides.virt_api.objects.remove(Place("pods", "default", "web"))
    bench.sides.virt_api.objects.create("pods", "default", pod())
    await bench.step()
    assert bench.told() == []


async def test_event_without_its_object_or_that_is_gone_is_nothing(bench: Bench) -> None:
    await bench.step()
    bench.event()
    bench.sides.virt_api.objects.remove(Place("pods", "default", "web"))
    await bench.step()
    assert bench.told() == []


async def test_event_of_the_newer_api_can_be_sorted_and_counted(bench: Bench) -> None:
    """events.k8s.io leaves count and times empty."""
    bench.event(
        count=None,
        firstTimestamp=None,
        lastTimestamp=None,
        source=None,
        eventTime="2026-01-01T00:00:07.123456Z",
        reportingComponent="default-scheduler",
        reportingInstance="scheduler-1",
        action="Binding",
    )
    await bench.step()
    event = bench.only()
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:07Z"
    assert event["source"] == {"component": "default-scheduler"}
    assert "eventTime" not in event


async def test_event_about_a_claim(sides: Sides) -> None:
    virt = sides.add_virt("persistentvolumeclaims", claim())
    host = sides.add_host("persistentvolumeclaims", twin(virt, "persistentvolumeclaims"))
    meta = host["metadata"]
    involved = {
        "kind": "PersistentVolumeClaim",
        "namespace": "team-x",
        "name": meta["name"],
        "uid": meta["uid"],
    }
    event = {"metadata": {"name": "e", "namespace": "team-x"}, "involvedObject": involved}
    sides.add_host("events", {**event, "message": f"bound {meta['name']}"})
    await EventMirror(sides.world, sides.virt).reconcile(Key("events", "team-x", "e"))
    (told,) = sides.virt_api.objects.of("events")
    assert told["message"] == "bound data"


async def test_name_of_an_event_is_valid_however_long_the_objects_is(sides: Sides) -> None:
    bench = Bench(sides, "n" * 199 + "-." + "n" * 52)
    bench.event()
    await bench.step()
    name = bench.only()["metadata"]["name"]
    assert len(name) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


async def test_an_event_that_was_told_is_not_kept_whole_and_heard_again_when_it_is_repeated(
    bench: Bench,
) -> None:
    bench.event()
    await bench.step()
    store = bench.sides.world.host["events"]
    kept = store.get(EVENT.namespace, EVENT.name)
    assert kept is not None
    assert kept.keys() == {"metadata"}
    bench.sides.virt_api.requests.clear()
    await bench.mirror.reconcile(EVENT)
    assert bench.sides.virt_api.requests == []
    bench.change(count=2)
    await bench.step()
    assert bench.only()["count"] == 2


async def test_an_event_that_could_not_be_told_is_kept_whole(bench: Bench) -> None:
    bench.sides.virt_api.faults.add(Fault("POST", "events", status=500))
    bench.event()
    with pytest.raises(ServerError):
        await bench.step()
    await bench.step()
    assert bench.only()["reason"] == "Started"


async def test_memory_of_events_ends_with_them_also_when_their_pod_went_first(
    bench: Bench,
) -> None:
    """Threats R30: pods come and go for ever."""
    event = bench.event()
    await bench.step()
    assert len(bench.mirror._told) == 1
    bench.sides.host_api.objects.remove(Place("pods", "team-x", NAME))
    bench.sides.virt_api.objects.remove(Place("pods", "default", "web"))
    bench.sides.sync()
    bench.mirror.forget(event)
    assert len(bench.mirror._told) == 0
