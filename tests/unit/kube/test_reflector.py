"""List, watch, and when to list again: the truth table of a reflector, over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import orjson
import pytest

from syncer.errors import Unreachable
from syncer.kube.client import PAGE, Client
from syncer.kube.objects import Obj
from syncer.kube.reflector import REASONS
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_faults import Asked, Fault
from tests.unit.watched import Watched, conf, place, running

pytestmark = pytest.mark.timeout(10)


@pytest.fixture
async def watched(host_api: FakeApi, host: Client) -> AsyncIterator[Watched]:
    async with running(Watched(host_api, host)) as made:
        await made.watching()
        yield made


async def test_first_list_fills_the_store_and_the_watch_goes_on_from_it(
    host_api: FakeApi, host: Client
) -> None:
    host_api.objects.create("configmaps", "default", conf("a"))
    version = str(host_api.objects.version)
    async with running(Watched(host_api, host)) as watched:
        assert not watched.reflector.synced.is_set()
        await watched.watching()
        assert watched.reflector.synced.is_set()
        assert watched.changes == [("listed new", "a")]
        assert watched.watches() == [version]


async def test_changes_reach_the_store_as_they_happen(watched: Watched) -> None:
    objects = watched.api.objects
    objects.create("configmaps", "default", conf("a"))
    objects.create("configmaps", "default", conf("b"))
    objects.patch(place("a"), {"data": {"k": "v"}})
    objects.remove(place("b"))
    await until(lambda: len(watched.changes) == 4)
    assert watched.changes == [("new", "a"), ("new", "b"), ("changed", "a"), ("gone", "b")]
    assert watched.names() == ["a"]
    assert watched.lists() == 1


async def test_stream_that_ends_is_resumed_without_a_list_and_without_a_gap(
    watched: Watched,
) -> None:
    watched.api.objects.create("configmaps", "default", conf("a"))
    await watched.knows("a")
    version = str(watched.api.objects.version)
    watched.api.end_watches()
    await until(lambda: len(watched.watches()) == 2)
    watched.api.objects.create("configmaps", "default", conf("b"))
    await watched.knows("a", "b")
    assert watched.lists() == 1
    assert watched.watches()[1] == version


async def test_watch_that_ran_its_time_without_a_word_is_resumed_at_once(
    host_api: FakeApi, host: Client
) -> None:
    """Pauses that grow would leave a gap of half a minute after each (servers up to 1.18)."""
    async with running(Watched(host_api, host, longest_pause=60.0, calm=0.02)) as watched:
        for ended in range(8):
            await until(lambda ended=ended: len(watched.watches()) == ended + 1)  # type: ignore[misc]
            await watched.watching()
            await asyncio.sleep(0.05)
            host_api.end_watches()
        assert watched.lists() == 1


async def test_watch_that_served_before_it_broke_is_resumed_as_soon_as_after_the_first_time(
    host_api: FakeApi, host: Client
) -> None:
    """Threats R5: something between that cuts connections now and then; pauses must not grow."""
    async with running(Watched(host_api, host, longest_pause=60.0, calm=0.02)) as watched:
        begun = time.monotonic()
        for broken in range(6):
            await until(lambda broken=broken: len(watched.watches()) == broken + 1)  # type: ignore[misc]
            await watched.watching()
            await asyncio.sleep(0.05)
            host_api.send("configmaps", b"no event")
        assert time.monotonic() - begun < 4.0


async def test_bookmark_moves_the_version_from_which_a_watch_is_resumed(watched: Watched) -> None:
    for number in range(5):
        watched.api.objects.create("secrets", "default", conf(f"other-{number}"))
    watched.api.bookmark("configmaps")
    await asyncio.sleep(0.02)
    watched.api.end_watches()
    await until(lambda: len(watched.watches()) == 2)
    assert watched.watches()[1] == str(watched.api.objects.version)
    assert watched.changes == []


@pytest.mark.parametrize(
    "status",
    [{"code": 410, "reason": "Expired"}, {"code": 410, "reason": "Gone"}, {"reason": "Expired"}],
)
async def test_gone_in_the_stream_lists_again_without_losing_a_deletion(
    watched: Watched, status: Obj
) -> None:
    """Threats R7."""
    for name in "abc":
        watched.api.objects.create("configmaps", "default", conf(name))
    await watched.knows("a", "b", "c")
    watched.api.faults.silent = True
    watched.api.objects.remove(place("b"))
    watched.api.objects.compact()
    watched.api.faults.silent = False
    watched.api.send("configmaps", orjson.dumps({"type": "ERROR", "object": status}))
    await watched.knows("a", "c")
    assert watched.missing == ["b"]
    assert ("listed gone", "b") in watched.changes
    assert watched.lists() == 2


async def test_gone_as_the_answer_to_a_watch_lists_again_without_losing_a_deletion(
    watched: Watched,
) -> None:
    watched.api.objects.create("configmaps", "default", conf("a"))
    await watched.knows("a")
    watched.api.faults.silent = True
    watched.api.objects.remove(place("a"))
    watched.api.objects.compact()
    watched.api.end_watches()
    watched.api.faults.silent = False
    await watched.knows()
    assert watched.missing == ["a"]
    assert watched.lists() == 2


async def test_gone_between_two_pages_lists_again(host_api: FakeApi, host: Client) -> None:
    for number in range(PAGE + 1):
        host_api.objects.create("configmaps", "default", conf(f"a-{number:03}"))
    watched = Watched(host_api, host)

    def expire(asked: Asked) -> None:
        if asked.method == "LIST" and watched.lists() == 1:
            host_api.objects.compact()

    host_api.between.append(expire)
    async with running(watched):
        await watched.watching()
        assert len(watched.names()) == PAGE + 1
        assert watched.lists() == 4
        assert watched.missing == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("WATCH", status=500, times=3),
        Fault("WATCH", status=503, times=3),
        Fault("WATCH", status=429, times=3),
        Fault("WATCH", status=403, times=3),
        Fault("WATCH", times=6),
    ],
    ids=["500", "503", "429", "403", "cut"],
)
async def test_trouble_is_waited_out_and_told_and_nothing_is_lost(
    fault: Fault, host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(fault)
    async with running(Watched(host_api, host)) as watched:
        await until(lambda: watched.reflector.trouble)
        await watched.watching()
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        assert watched.reflector.trouble is None
        assert watched.lists() == 1


async def test_trouble_with_the_first_list_is_told_until_it_is_over(
    host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("LIST", status=403, message="no right", times=2))
    async with running(Watched(host_api, host)) as watched:
        await until(lambda: watched.reflector.trouble)
        assert "no right" in str(watched.reflector.trouble)
        assert not watched.reflector.synced.is_set()
        await watched.watching()
        assert watched.reflector.trouble is None


async def test_line_that_is_no_event_ends_the_stream_and_not_the_reflector(
    watched: Watched,
) -> None:
    watched.api.send("configmaps", b'{"type":"ADDED","object":{}}')
    watched.api.send("configmaps", b"garbage")
    await until(lambda: len(watched.watches()) == 2)
    watched.api.objects.create("configmaps", "default", conf("a"))
    await watched.knows("a")


async def test_silent_stall_is_noticed_and_made_good(host_api: FakeApi) -> None:
    """Threats R6."""
    async with (
        host_api.client("host", inactivity=0.1) as client,
        running(Watched(host_api, client)) as watched,
    ):
        await watched.watching()
        host_api.faults.silent = True
        host_api.objects.create("configmaps", "default", conf("a"))
        await until(lambda: isinstance(watched.reflector.trouble, Unreachable))
        host_api.faults.silent = False
        await watched.knows("a")
        assert watched.lists() == 1


async def test_object_of_four_megabytes_with_odd_line_ends_passes(watched: Watched) -> None:
    text = "\u0085\u2028\r\n" * 400_000
    watched.api.objects.create("configmaps", "default", conf("a", data={"k": text}))
    await watched.knows("a")
    found = watched.store.get("default", "a")
    assert found is not None
    assert found["data"]["k"] == text


async def test_store_holds_no_managed_fields(watched: Watched) -> None:
    odd = conf("a")
    odd["metadata"]["managedFields"] = [{"manager": "x"}]
    watched.api.objects.create("configmaps", "default", odd)
    await watched.knows("a")
    found = watched.store.get("default", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]


async def test_server_that_ends_every_stream_at_once_is_not_asked_in_a_busy_loop(
    host_api: FakeApi, host: Client
) -> None:
    watched = Watched(host_api, host, longest_pause=30.0)
    async with running(watched):
        await watched.watching()
        for _ in range(30):
            host_api.end_watches()
            await asyncio.sleep(0.01)
        assert 1 < len(watched.watches()) < 5


async def test_object_that_was_written_during_a_list_is_not_missing_from_it(
    host_api: FakeApi, host: Client
) -> None:
    """A pod whose twin seemed to be gone would be declared dead."""
    watched = Watched(host_api, host)

    def write(asked: Asked) -> None:
        if asked.method == "LIST":
            made = host_api.objects.create("configmaps", "default", conf(f"a-{watched.lists()}"))
            watched.store.put_written(made)

    host_api.between.append(write)
    async with running(watched):
        await watched.watching()
        host_api.objects.compact()
        host_api.end_watches()
        await until(lambda: watched.lists() == 2)
        await until(lambda: len(watched.watches()) == 3)
        assert watched.changes == [("new", "a-1"), ("new", "a-2")]
        assert watched.missing == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("WATCH", "configmaps", status=410), "gone"),
        (Fault("WATCH", "configmaps", status=503), "refused"),
        (Fault("WATCH", "configmaps", status=403), "refused"),
        # Twice: on a connection that was used before, the HTTP library itself asks again once.
        (Fault("WATCH", "configmaps", status=0, times=2), "unreachable"),
        (Fault("LIST", "configmaps", status=500), "refused"),
    ],
    ids=["410", "503", "403", "cut", "list"],
)
async def test_restarts_are_counted_by_their_reason(
    host_api: FakeApi, host: Client, fault: Fault, reason: str
) -> None:
    host_api.faults.add(fault)
    async with running(Watched(host_api, host)) as watched:
        await watched.watching()
        assert +watched.reflector.restarts == {reason: 1}
        assert reason in REASONS
        host_api.end_watches()
        await until(lambda: watched.reflector.restarts["ended"] == 1)


async def test_when_it_was_last_heard_of(host_api: FakeApi, host: Client) -> None:
    before = time.time()
    async with running(Watched(host_api, host)) as watched:
        assert watched.reflector.heard == 0.0
        await watched.watching()
        listed = watched.reflector.heard
        assert before <= listed <= time.time()
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        changed = watched.reflector.heard
        assert changed > listed
        host_api.end_watches()
        await until(lambda: watched.reflector.restarts["ended"])
        assert watched.reflector.heard > changed
