"""A reflector of a server whose datastore may be exchanged, restored, or have other credentials."""

from __future__ import annotations

import pytest

from syncer.errors import Unauthorized, Unreachable
from syncer.kube.client import Client
from syncer.kube.reflector import History
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_faults import Fault
from tests.unit.watched import Watched, conf, place, running

pytestmark = pytest.mark.timeout(10)


async def test_guard_is_asked_before_every_list_and_its_no_keeps_the_store_as_it_is(
    host_api: FakeApi, host: Client
) -> None:
    """Threats R4: absence is never concluded from the wrong cluster."""
    asked: list[bool] = []
    right = True

    async def guard() -> None:
        asked.append(right)
        if not right:
            raise Unreachable("another cluster")

    async with running(Watched(host_api, host, guard)) as watched:
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        right = False
        host_api.objects.forget(place("a"))
        host_api.objects.compact()
        host_api.end_watches()
        await until(lambda: asked.count(False) >= 3)
        assert watched.names() == ["a"]
        right = True
        await watched.knows()


async def test_guarded_watch_that_broke_lists_again_since_the_datastore_may_have_gone_back(
    host_api: FakeApi, host: Client
) -> None:
    """Threats R3: a crash can lose the last commits, in which our version lies in the future."""

    async def guard() -> None:
        return

    async with running(Watched(host_api, host, guard)) as watched:
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        host_api.objects.forget(place("a"))
        host_api.objects.version -= 1
        host_api.faults.add(Fault("WATCH", times=9))
        host_api.end_watches()
        await watched.knows()
        assert watched.missing == ["a"]
        assert watched.behind == [1]


async def test_list_that_is_as_new_as_what_was_seen_is_not_behind(
    host_api: FakeApi, host: Client
) -> None:
    async def guard() -> None:
        return

    async with running(Watched(host_api, host, guard)) as watched:
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        host_api.objects.forget(place("a"))
        host_api.faults.add(Fault("WATCH", times=9))
        host_api.end_watches()
        await watched.knows()
        assert watched.behind == [0]


async def test_what_another_watch_has_seen_counts_too(host_api: FakeApi, host: Client) -> None:
    """Threats R29: nothing may have happened to this kind since long before the copy was made."""

    async def guard() -> None:
        return

    async with running(Watched(host_api, host, guard)) as watched:
        host_api.objects.create("configmaps", "default", conf("a"))
        await watched.knows("a")
        watched.history.saw(str(host_api.objects.version + 500))
        host_api.objects.forget(place("a"))
        host_api.faults.add(Fault("WATCH", times=9))
        host_api.end_watches()
        await watched.knows()
        assert watched.behind == [500]


@pytest.mark.parametrize(
    ("versions", "newest"), [(("7", "9", "8"), 9), (("", "none"), 0), (("10", "9"), 10)]
)
def test_the_newest_version_is_kept(versions: tuple[str, ...], newest: int) -> None:
    history = History()
    for version in versions:
        history.saw(version)
    assert history.newest == newest


async def test_credentials_that_a_guarded_server_no_longer_takes_end_the_syncer(
    host_api: FakeApi, host: Client
) -> None:
    """k3s has made others: only a start reads them. A host's token renews itself instead."""

    async def guard() -> None:
        return

    host_api.faults.add(Fault("WATCH", status=401))
    with pytest.raises(Unauthorized):
        await Watched(host_api, host, guard).reflector.run()
    host_api.faults.add(Fault("WATCH", status=401))
    async with running(Watched(host_api, host)) as watched:
        await watched.watching()
