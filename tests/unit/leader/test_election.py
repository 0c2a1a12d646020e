"""Several syncers and one Lease, over real HTTP: who leads, who writes, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from syncer.errors import LostLease
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.leader.election import Leader, boot_clock
from syncer.leader.lease import Timing
from tests.unit.build import IDENT, Clock
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place

pytestmark = pytest.mark.timeout(10)
LEASE = Place("leases", "team-x", "vc-syncer")
QUICK = Timing(duration=1.0, deadline=0.5, retry=0.02)
"""For terms that are to end."""
LONG = Timing(duration=60.0, deadline=40.0, retry=0.02)
"""For those that are not, however slow the machine."""


def _well() -> str:
    return ""


def _ill() -> str:
    return "k3s is away"


def _leader(
    host: Client, me: str = "vc-0", *, timing: Timing = LONG, clock: Clock | None = None
) -> Leader:
    return Leader(host, IDENT, me, clock=clock or boot_clock, timing=timing)


def _spec(api: FakeApi) -> Obj:
    spec: Obj = api.objects.get(LEASE)["spec"]
    return spec


@contextlib.asynccontextmanager
async def _keeping(leader: Leader) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(leader.keep(_well))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_first_one_makes_the_lease_and_it_goes_with_the_installation(
    host_api: FakeApi, host: Client
) -> None:
    leader = _leader(host)
    assert not leader.holds()
    await leader.acquire(_well)
    assert leader.holds()
    assert _spec(host_api)["holderIdentity"] == "vc-0"
    assert host_api.objects.get(LEASE)["metadata"]["ownerReferences"] == [IDENT.owner()]


async def test_second_one_stands_by_for_as_long_as_the_first_renews(
    host_api: FakeApi, host: Client
) -> None:
    first, second = _leader(host, "vc-0"), _leader(host, "vc-1")
    await first.acquire(_well)
    async with _keeping(first):
        waiting = asyncio.create_task(second.acquire(_well))
        await until(lambda: second.holder == "vc-0")
        await until(lambda: len(host_api.made("PUT", "leases")) > 10)
        assert first.holds()
        assert not second.holds()
        assert not waiting.done()
        assert second.holder == "vc-0"
        waiting.cancel()


async def test_lease_that_is_given_back_is_taken_at_once(host_api: FakeApi, host: Client) -> None:
    first, second = _leader(host, "vc-0"), _leader(host, "vc-1")
    await first.acquire(_well)
    waiting = asyncio.create_task(second.acquire(_well))
    await until(lambda: second.holder == "vc-0")
    await first.release()
    assert not first.holds()
    async with asyncio.timeout(5):  # the first one's would have lasted for a minute
        await waiting
    assert _spec(host_api)["leaseTransitions"] == 1


async def test_lease_of_one_that_died_is_taken_when_it_has_run_out(
    host_api: FakeApi, host: Client
) -> None:
    first, second = (_leader(host, name, timing=QUICK) for name in ("vc-0", "vc-1"))
    await first.acquire(_well)
    begun = boot_clock()
    await second.acquire(_well)
    assert boot_clock() - begun >= QUICK.duration
    assert not first.holds()
    assert _spec(host_api)["holderIdentity"] == "vc-1"


async def test_container_that_is_started_again_follows_itself_at_once(
    host_api: FakeApi, host: Client
) -> None:
    await _leader(host).acquire(_well)
    async with asyncio.timeout(5):
        await _leader(host).acquire(_well)
    assert _spec(host_api)["leaseTransitions"] == 0


async def test_one_of_many_that_start_together_leads(host_api: FakeApi, host: Client) -> None:
    crowd = [_leader(host, f"vc-{number}") for number in range(8)]
    tasks = [asyncio.create_task(each.acquire(_well)) for each in crowd]
    await until(lambda: any(task.done() for task in tasks))
    await until(lambda: len(host_api.made("GET", "leases")) > 30)
    assert [each.me for each in crowd if each.holds()] == [_spec(host_api)["holderIdentity"]]
    for task in tasks:
        task.cancel()


async def test_one_that_is_not_fit_to_lead_does_not_ask_for_it(
    host_api: FakeApi, host: Client
) -> None:
    waiting = asyncio.create_task(_leader(host).acquire(_ill))
    await asyncio.sleep(0.1)
    assert host_api.requests == []
    waiting.cancel()


# --- the end of a term


async def test_one_that_was_stopped_for_a_minute_leads_no_longer_when_it_goes_on(
    host: Client,
) -> None:
    """Threats R16: before any of its tasks has run again."""
    clock = Clock(1000.0)
    leader = _leader(host, clock=clock)
    await leader.acquire(_well)
    clock.now += LONG.deadline - 0.01
    assert leader.holds()
    clock.now += 60.0
    assert not leader.holds()
    with pytest.raises(LostLease, match="in time"):
        await leader.keep(_well)


async def test_time_that_the_host_took_to_answer_does_not_count_for_us(
    host_api: FakeApi, host: Client
) -> None:
    clock = Clock(1000.0)
    host_api.between.append(lambda _asked: clock.advance(5.0))
    leader = _leader(host, clock=clock)
    await leader.acquire(_well)
    assert leader.holds()  # asked at 1000, answered (a GET, a POST) at 1010
    clock.now = 1000.0 + LONG.deadline
    assert not leader.holds()


@pytest.mark.parametrize("status", [0, 403, 409, 429, 500])
async def test_host_that_fails_ends_the_term_at_the_deadline(
    host_api: FakeApi, host: Client, status: int
) -> None:
    leader = _leader(host, timing=QUICK)
    await leader.acquire(_well)
    host_api.faults.add(Fault("PUT", "leases", status=status, times=10_000))
    with pytest.raises(LostLease, match="in time"):
        await leader.keep(_well)
    assert not leader.holds()


async def test_host_that_fails_for_a_moment_ends_nothing(host_api: FakeApi, host: Client) -> None:
    leader = _leader(host)
    await leader.acquire(_well)
    host_api.faults.add(Fault("PUT", "leases", status=500, times=3))
    renewals = len(host_api.made("PUT", "leases"))
    async with _keeping(leader) as task:
        await until(lambda: len(host_api.made("PUT", "leases")) > renewals + 10)
        assert not task.done()
        assert leader.holds()


async def test_host_that_does_not_answer_at_all_ends_the_term_at_the_deadline(
    host_api: FakeApi, host: Client
) -> None:
    leader = _leader(host, timing=QUICK)
    await leader.acquire(_well)
    answers = asyncio.Event()
    host_api.faults.add(Fault(resource="leases", until=answers, times=10_000))
    with pytest.raises(LostLease, match="in time"):
        await leader.keep(_well)
    answers.set()


async def test_lease_that_another_took_ends_the_term_at_once(
    host_api: FakeApi, host: Client
) -> None:
    leader = _leader(host)
    await leader.acquire(_well)
    host_api.objects.patch(LEASE, {"spec": {"holderIdentity": "vc-1"}})
    with pytest.raises(LostLease, match="vc-1 leads now"):
        await leader.keep(_well)


async def test_lease_that_is_deleted_is_made_again_by_its_holder(
    host_api: FakeApi, host: Client
) -> None:
    leader = _leader(host)
    await leader.acquire(_well)
    async with _keeping(leader) as task:
        host_api.objects.remove(LEASE)
        await until(lambda: host_api.objects.find(*LEASE))
        assert not task.done()
    assert _spec(host_api)["holderIdentity"] == "vc-0"


async def test_leader_that_is_not_fit_any_more_ends_and_can_give_the_lease_back(
    host_api: FakeApi, host: Client
) -> None:
    leader = _leader(host)
    await leader.acquire(_well)
    with pytest.raises(LostLease, match="k3s is away"):
        await leader.keep(_ill)
    await leader.release()
    assert "holderIdentity" not in _spec(host_api)


async def test_lease_whose_renewal_was_cut_off_is_given_back_all_the_same(
    host_api: FakeApi, host: Client
) -> None:
    """The end of a process may come between the host's write and its answer."""
    leader = _leader(host)
    await leader.acquire(_well)
    host_api.objects.patch(LEASE, {"spec": {"renewTime": "later"}})
    await leader.release()
    assert "holderIdentity" not in _spec(host_api)


async def test_lease_that_is_not_ours_is_never_given_back(host_api: FakeApi, host: Client) -> None:
    leader = _leader(host)
    await leader.release()
    assert host_api.requests == []
    await leader.acquire(_well)
    host_api.objects.patch(LEASE, {"spec": {"holderIdentity": "vc-1"}})
    await leader.release()  # of a version that is no longer there
    assert _spec(host_api)["holderIdentity"] == "vc-1"
