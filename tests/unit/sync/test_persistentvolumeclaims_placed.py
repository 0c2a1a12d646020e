"""Claims whose volume waits for the virtual scheduler: it chooses the node, the host provisions.

(`volumeBindingMode: WaitForFirstConsumer`, in which the scheduler goes first.)
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from syncer.identity import PASSED
from syncer.kube.objects import Key, Obj, annotation
from syncer.sync.kinds import KINDS
from syncer.sync.persistentvolumeclaims import ClaimMirror
from syncer.translate.persistentvolumeclaims import SELECTED_NODE
from tests.unit.build import SCOPE, claim, host_node
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides, both_sides

pytestmark = pytest.mark.timeout(10)
CLAIM = Key("persistentvolumeclaims", "default", "data")
PLACE = Place(*CLAIM)


class Bench:
    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.mirror = ClaimMirror(KINDS[CLAIM.kind], sides.world, sides.virt, sides.host)
        self.host_place = sides.host_place(CLAIM.kind, CLAIM.name)

    async def settle(self) -> None:
        await self.sides.settle(self.mirror.reconcile, CLAIM)

    def choose(self, node: str | None) -> None:
        """Do what the virtual scheduler does."""
        change = {"metadata": {"annotations": {SELECTED_NODE: node}}}
        self.sides.virt_api.objects.patch(PLACE, change)

    def send_back(self) -> None:
        """Do what a provisioner does that cannot use the node."""
        change = {"metadata": {"annotations": {SELECTED_NODE: None}}}
        self.sides.host_api.objects.patch(self.host_place, change)

    def host(self) -> Obj:
        return self.sides.host_api.objects.get(self.host_place)

    def virt(self) -> Obj:
        return self.sides.virt_api.objects.get(PLACE)


async def _bench(sides: Sides) -> Bench:
    bench = Bench(sides)
    sides.add_host("nodes", host_node())
    sides.add_host("nodes", host_node("node-2"))
    sides.add_virt(CLAIM.kind, claim())
    await bench.settle()
    return bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with both_sides(SCOPE._replace(virtual_scheduler=True)) as sides:
        yield await _bench(sides)


async def test_node_that_the_scheduler_chose_reaches_the_hosts_provisioner(bench: Bench) -> None:
    assert not annotation(bench.host(), SELECTED_NODE)
    bench.choose("node-1")
    await bench.settle()
    assert annotation(bench.host(), SELECTED_NODE) == "node-1"
    bench.choose("node-2")
    await bench.settle()
    assert annotation(bench.host(), SELECTED_NODE) == "node-2"
    bench.choose(None)
    await bench.settle()
    assert not annotation(bench.host(), SELECTED_NODE)


async def test_node_that_the_provisioner_sends_back_is_chosen_again(bench: Bench) -> None:
    bench.choose("node-1")
    await bench.settle()
    bench.send_back()
    await bench.settle()
    for side in (bench.host(), bench.virt()):
        assert not annotation(side, SELECTED_NODE)
    assert not annotation(bench.host(), PASSED)
    bench.choose("node-1")  # the same one may do now
    await bench.settle()
    assert annotation(bench.host(), SELECTED_NODE) == "node-1"


async def test_node_of_a_bound_claim_is_not_chosen_again(bench: Bench) -> None:
    bench.choose("node-1")
    await bench.settle()
    bench.sides.host_api.objects.patch(bench.host_place, {"spec": {"volumeName": "pv-1"}})
    bench.send_back()
    await bench.settle()
    assert annotation(bench.virt(), SELECTED_NODE) == "node-1"


async def test_node_that_the_host_has_not_stays_inside(bench: Bench) -> None:
    """Threats F5."""
    bench.choose("node-9")
    await bench.settle()
    assert not annotation(bench.host(), SELECTED_NODE)


async def test_node_stays_inside_where_the_hosts_scheduler_chooses(sides: Sides) -> None:
    """Threats F5."""
    bench = await _bench(sides)
    bench.choose("node-1")
    await bench.settle()
    assert not annotation(bench.host(), SELECTED_NODE)
