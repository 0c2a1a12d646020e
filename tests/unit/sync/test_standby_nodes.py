"""Which kubelet ports a replica serves that does not lead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from syncer.kube.objects import Obj
from syncer.kube.store import Store
from syncer.sync.standby_nodes import Follower, ports
from syncer.translate.nodes import FIRST_PORT, FROM_HOST
from tests.unit.fake_api import until
from tests.unit.sides import Endpoint

pytestmark = pytest.mark.timeout(10)


def _node(name: str, port: int, version: int = 1, *, ours: bool = True) -> Obj:
    notes = {FROM_HOST: "{}"} if ours else {}
    return {
        "metadata": {"name": name, "resourceVersion": str(version), "annotations": notes},
        "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}},
    }


@pytest.mark.parametrize(
    ("node", "served"),
    [
        (_node("n", FIRST_PORT), {"n": FIRST_PORT}),
        (_node("n", 65535), {"n": 65535}),
        (_node("n", FIRST_PORT, ours=False), {}),  # a tenant's own
        (_node("n", FIRST_PORT - 1), {}),  # that of the metrics API, which a tenant wrote there
        (_node("n", 22), {}),
        (_node("n", 65536), {}),
        ({"metadata": {"name": "n", "annotations": {FROM_HOST: "{}"}}}, {}),  # no status yet
    ],
)
def test_which_nodes_are_served_where(node: Obj, served: dict[str, int]) -> None:
    store = Store()
    store.put(node)
    assert ports(store) == served


@contextlib.asynccontextmanager
async def _following(store: Store, endpoint: Endpoint) -> AsyncIterator[Follower]:
    follower = Follower(store, endpoint)
    task = asyncio.create_task(follower.run())
    yield follower
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_nodes_are_followed_and_what_is_served_outlives_the_following() -> None:
    store, endpoint = Store(), Endpoint()
    store.put(_node("a", 10350))
    async with _following(store, endpoint) as follower:
        await until(lambda: endpoint.ports == {10350: "a"})
        store.put(_node("b", 10351, 2))
        await until(lambda: endpoint.ports == {10350: "a", 10351: "b"})
        store.put(_node("b", 10360, 3))
        await until(lambda: endpoint.ports == {10350: "a", 10360: "b"})
        store.drop(_node("a", 10350, 4))
        await until(lambda: endpoint.ports == {10360: "b"})
    assert endpoint.ports == {10360: "b"}
    assert follower.served == {"b": 10360}


async def test_node_that_takes_the_port_of_another_is_served_once_that_is_free() -> None:
    store, endpoint = Store(), Endpoint()
    store.put(_node("a", 10350))
    async with _following(store, endpoint):
        await until(lambda: endpoint.ports == {10350: "a"})
        store.put(_node("b", 10350, 2))
        store.put(_node("a", 10351, 3))
        await until(lambda: endpoint.ports == {10350: "b", 10351: "a"})
