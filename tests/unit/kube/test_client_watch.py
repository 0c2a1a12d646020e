"""Watches over real HTTP: every event, every way a stream ends, and silence."""

import asyncio
import time

import pytest

from syncer.errors import Gone, ServerError, Unreachable
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import CONFIGMAPS, EVENTS, PODS
from syncer.kube.watch_decoder import Event
from tests.unit.build import configmap
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place

pytestmark = pytest.mark.timeout(10)


def _conf(name: str = "conf") -> Obj:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"key": "value"}}


async def _first(client: Client, count: int, since: str = "100") -> list[Event]:
    events = []
    async with asyncio.timeout(5):
        async for event in client.watch(CONFIGMAPS, "default", since=since):
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_watch_shows_what_happened_since_and_what_happens(
    host_api: FakeApi, host: Client
) -> None:
    made = host_api.objects.create("configmaps", "default", _conf())
    task = asyncio.create_task(_first(host, 4))
    await until(lambda: host_api.watching("configmaps"))
    place = Place("configmaps", "default", "conf")
    host_api.objects.patch(place, {"data": {"key": "2"}})
    host_api.objects.create("secrets", "default", _conf())
    host_api.bookmark("configmaps")
    await asyncio.sleep(0.01)
    host_api.objects.remove(place)
    events = await task
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "BOOKMARK", "DELETED"]
    assert events[0].obj == made
    query = host_api.made("WATCH", "configmaps")[0].query
    assert query["allowWatchBookmarks"] == "true"
    assert 270 <= int(query["timeoutSeconds"]) <= 600


async def test_watch_of_events_ends_before_it_would_seem_dead(
    host_api: FakeApi, host: Client
) -> None:
    """API servers keep no cache of them, which is what bookmarks come from."""
    host_api.faults.add(Fault("WATCH", status=500))
    with pytest.raises(ServerError):
        await anext(host.watch(EVENTS, "ns", since="7"))
    assert host_api.requests[-1].query["timeoutSeconds"] == "60"


async def test_watch_passes_selectors_on(host_api: FakeApi, host: Client) -> None:
    host_api.faults.add(Fault("WATCH", status=500))
    with pytest.raises(ServerError):
        await anext(host.watch(PODS, "ns", selector="a=b", fields="c=d", since="7"))
    asked = host_api.requests[-1]
    assert asked.namespace == "ns"
    assert (
        asked.query.items()
        >= {
            "labelSelector": "a=b",
            "fieldSelector": "c=d",
            "resourceVersion": "7",
        }.items()
    )


async def test_watch_of_a_version_that_is_too_old_is_gone(host_api: FakeApi, host: Client) -> None:
    host_api.objects.compact()
    with pytest.raises(Gone):
        await anext(host.watch(PODS, since="1"))


async def test_watch_that_the_server_ends_is_over(host_api: FakeApi, host: Client) -> None:
    host_api.objects.create("configmaps", "default", _conf())

    async def count() -> int:
        return len([event async for event in host.watch(CONFIGMAPS, since="100")])

    task = asyncio.create_task(count())
    await until(lambda: host_api.watching("configmaps"))
    host_api.end_watches()
    assert await task == 1


async def test_watch_that_falls_silent_is_noticed(host_api: FakeApi) -> None:
    """Threats R6: a dead peer sends no reset."""
    host_api.faults.silent = True
    async with host_api.client("host", inactivity=0.2) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="pods"):
            await anext(client.watch(PODS, since="100"))
        assert 0.15 < time.monotonic() - began < 3


async def test_watch_that_is_cut_is_no_answer(host_api: FakeApi, host: Client) -> None:
    host_api.faults.add(Fault("WATCH", times=9))
    with pytest.raises(Unreachable):
        await anext(host.watch(PODS, since="100"))


async def test_watch_brings_an_object_of_four_megabytes(host_api: FakeApi, host: Client) -> None:
    big = {**configmap("big"), "data": {"key": "\u0085\u2028\n" * 600_000}}
    host_api.objects.create("configmaps", "default", big)
    (event,) = await _first(host, 1)
    assert event.obj["data"] == big["data"]
