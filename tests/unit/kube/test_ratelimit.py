"""The token bucket: how many requests pass at once, how fast the next ones, and the server's no."""

import asyncio

import pytest

from syncer.kube.ratelimit import Bucket
from tests.unit.build import Clock

pytestmark = pytest.mark.timeout(10)


async def _passes(bucket: Bucket) -> bool:
    """Tell whether a request passes now; one that must wait is withdrawn."""
    try:
        async with asyncio.timeout(0.005):
            await bucket.take()
    except TimeoutError:
        return False
    return True


async def test_burst_passes_at_once_and_no_more() -> None:
    bucket = Bucket(1.0, 3, Clock())
    assert [await _passes(bucket) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("seconds", "passed"), [(0.0, 0), (0.49, 0), (0.5, 1), (1.0, 2), (1.5, 3), (60.0, 3)]
)
async def test_tokens_come_back_at_the_rate_up_to_the_burst(seconds: float, passed: int) -> None:
    clock = Clock()
    bucket = Bucket(2.0, 3, clock)
    for _ in range(3):
        await bucket.take()
    clock.advance(seconds)
    assert [await _passes(bucket) for _ in range(passed + 1)] == [True] * passed + [False]


async def test_waits_are_added_up() -> None:
    bucket = Bucket(200.0, 1, Clock())
    await bucket.take()
    assert bucket.waited == 0.0
    await bucket.take()
    await bucket.take()
    assert bucket.waited == pytest.approx(0.005 + 0.010)


async def test_waiting_requests_pass_in_order_of_arrival() -> None:
    bucket = Bucket(200.0, 1, Clock())
    order: list[int] = []

    async def ask(number: int) -> None:
        await bucket.take()
        order.append(number)

    async with asyncio.timeout(2):
        await asyncio.gather(*(ask(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_server_that_asks_for_a_pause_gets_it() -> None:
    clock = Clock()
    bucket = Bucket(10.0, 10, clock)
    bucket.hold(5)
    assert not await _passes(bucket)
    clock.advance(5.2)  # the pause, and a token for each of the two requests
    assert await _passes(bucket)


async def test_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = Clock()
    bucket = Bucket(1.0, 10, clock)
    bucket.hold(60)
    bucket.hold(1)
    clock.advance(5)
    assert not await _passes(bucket)
