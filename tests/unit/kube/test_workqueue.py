"""The work queue: fair, stingy, never the same key twice at once, and patient with failures."""

import asyncio

import pytest

from syncer.kube.objects import Key
from syncer.kube.workqueue import FIRST_PAUSE, LONGEST_PAUSE, NEWS_PATIENCE, NEWS_WORKERS, Queue
from tests.unit.build import Clock

pytestmark = pytest.mark.timeout(10)


def _key(name: str) -> Key:
    return Key("pods", "default", name)


A, B, C, D = (_key(name) for name in "abcd")


async def _take(queue: Queue) -> Key:
    async with asyncio.timeout(2):
        return await queue.take()


async def _drain(queue: Queue, count: int) -> list[Key]:
    taken = []
    for _ in range(count):
        taken.append(await _take(queue))
        queue.done(taken[-1])
    return taken


async def _is_empty(queue: Queue) -> bool:
    try:
        async with asyncio.timeout(0.01):
            await queue.take()
    except TimeoutError:
        return True
    return False


async def test_keys_come_in_the_order_in_which_they_arrived() -> None:
    queue = Queue(Clock())
    for key in (B, A, C):
        queue.add(key)
    assert await _drain(queue, 3) == [B, A, C]


async def test_what_is_coming_is_told_in_its_order_and_without_what_is_nearly_done() -> None:
    queue = Queue(Clock())
    queue.add(A, backlog=True)
    queue.add(B)
    queue.add(C, ahead=True)
    queue.add(D)
    assert queue.coming(9) == [B, D, A]
    assert queue.coming(2) == [B, D]
    await _take(queue)
    await _take(queue)
    assert queue.coming(9) == [D, A]


async def test_key_added_many_times_while_it_waits_comes_once() -> None:
    queue = Queue(Clock())
    for _ in range(10):
        queue.add(A)
    assert await _drain(queue, 1) == [A]
    assert await _is_empty(queue)


async def test_key_added_while_a_worker_has_it_comes_again_after_that_worker() -> None:
    queue = Queue(Clock())
    queue.add(A)
    assert await _take(queue) == A
    queue.add(A)
    queue.add(A)
    assert await _is_empty(queue)
    queue.done(A)
    assert await _drain(queue, 1) == [A]
    assert await _is_empty(queue)


async def test_no_key_is_ever_with_two_workers() -> None:
    queue = Queue(Clock())
    held: set[Key] = set()
    worked = 0

    async def work() -> None:
        nonlocal worked
        while True:
            key = await queue.take()
            assert key not in held
            held.add(key)
            await asyncio.sleep(0)
            worked += 1
            held.remove(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(8)]
    for _ in range(200):
        for key in (A, B, C):
            queue.add(key)
        await asyncio.sleep(0)
    while len(queue):  # noqa: ASYNC110 (idle workers tell nobody)
        await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
    results = await asyncio.gather(*workers, return_exceptions=True)
    assert {type(result) for result in results} == {asyncio.CancelledError}
    assert worked >= 3


async def test_what_goes_ahead_overtakes_all_else() -> None:
    queue = Queue(Clock())
    queue.add(A, backlog=True)
    queue.add(B)
    queue.add(C, ahead=True)
    assert await _drain(queue, 3) == [C, B, A]


@pytest.mark.parametrize("backlog", [False, True])
async def test_key_that_waits_is_hastened(*, backlog: bool) -> None:
    queue = Queue(Clock())
    for key in (A, B, C):
        queue.add(key, backlog=backlog)
    queue.add(B, ahead=True)
    queue.add(B, ahead=True)
    assert await _drain(queue, 3) == [B, A, C]
    assert await _is_empty(queue)


@pytest.mark.parametrize("ahead_first", [False, True])
async def test_key_that_is_hastened_while_a_worker_has_it_comes_again_ahead(
    *, ahead_first: bool
) -> None:
    queue = Queue(Clock())
    queue.add(A)
    assert await _take(queue) == A
    queue.add(B)
    queue.add(A, ahead=ahead_first)
    queue.add(A, ahead=not ahead_first)
    queue.done(A)
    assert await _drain(queue, 2) == [A, B]
    queue.add(C)
    queue.add(A)  # haste ends with the turn that it was for
    assert await _drain(queue, 2) == [C, A]


async def test_of_five_keys_one_goes_that_is_not_ahead() -> None:
    queue = Queue(Clock())
    others = [_key(f"other-{n}") for n in range(2)]
    hasty = [_key(f"hasty-{n}") for n in range(10)]
    for key in others:
        queue.add(key)
    for key in hasty:
        queue.add(key, ahead=True)
    order = await _drain(queue, 12)
    assert order == [*hasty[:4], others[0], *hasty[4:8], others[1], *hasty[8:]]


async def test_live_changes_overtake_the_backlog() -> None:
    queue = Queue(Clock())
    queue.add(A, backlog=True)
    queue.add(B, backlog=True)
    queue.add(C)
    assert await _drain(queue, 3) == [C, A, B]


async def test_key_of_the_backlog_that_changes_live_overtakes_it() -> None:
    queue = Queue(Clock())
    queue.add(A, backlog=True)
    queue.add(B, backlog=True)
    queue.add(C)
    queue.add(B)
    assert await _drain(queue, 3) == [C, B, A]
    assert await _is_empty(queue)


async def test_news_comes_after_all_else() -> None:
    queue = Queue(Clock())
    queue.add(A, news=True)
    queue.add(B, backlog=True)
    queue.add(C)
    assert await _drain(queue, 3) == [C, B, A]


async def test_news_is_held_back_while_others_are_at_work_but_not_for_ever() -> None:
    clock = Clock()
    queue = Queue(clock)
    busy = [_key(f"busy-{number}") for number in range(NEWS_WORKERS)]
    for key in busy:
        queue.add(key)
        await _take(queue)
    queue.add(A, news=True)
    queue.add(B, news=True)
    assert await _is_empty(queue)
    queue.done(busy[0])
    assert await _take(queue) == A
    assert await _is_empty(queue)
    clock.advance(NEWS_PATIENCE)
    assert await _take(queue) == B


async def test_workers_that_wait_get_the_news_that_was_held_back() -> None:
    queue = Queue(asyncio.get_running_loop().time)
    busy = [_key(f"busy-{number}") for number in range(NEWS_WORKERS + 1)]
    for key in busy:
        queue.add(key)
        await _take(queue)
    waiting = [asyncio.create_task(_take(queue)) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(A, news=True)
    queue.add(B, news=True)
    for key in busy:
        queue.done(key)
    assert {await each for each in waiting} == {A, B}


async def test_a_worker_that_is_cancelled_when_it_was_roused_leaves_the_key_to_another() -> None:
    queue = Queue(Clock())
    first, second = (asyncio.create_task(_take(queue)) for _ in range(2))
    await asyncio.sleep(0)
    queue.add(A)
    first.cancel()
    assert await second == A
    assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is (
        asyncio.CancelledError
    )


async def test_waiting_worker_wakes_for_a_key_and_several_for_several() -> None:
    queue = Queue(Clock())
    workers = [asyncio.create_task(_take(queue)) for _ in range(3)]
    await asyncio.sleep(0)
    for key in (A, B, C):
        queue.add(key)
    assert set(await asyncio.gather(*workers)) == {A, B, C}


async def test_key_that_a_worker_gives_back_wakes_another_that_waits() -> None:
    queue = Queue(Clock())
    queue.add(A)
    await _take(queue)
    other = asyncio.create_task(_take(queue))
    await asyncio.sleep(0)
    queue.add(A)
    queue.done(A)
    assert await other == A


async def test_delayed_key_comes_when_its_time_has_come_and_not_before() -> None:
    clock = Clock()
    queue = Queue(clock)
    queue.add_after(A, 5)
    clock.advance(4.999)
    assert await _is_empty(queue)
    clock.advance(0.001)
    assert await _drain(queue, 1) == [A]


@pytest.mark.parametrize("wishes", [(5, 1, 9), (1, 5, 9), (9, 5, 1), (1, 1)])
async def test_earliest_of_several_delays_counts_and_the_others_are_void(
    wishes: tuple[int, ...],
) -> None:
    clock = Clock()
    queue = Queue(clock)
    for seconds in wishes:
        queue.add_after(A, seconds)
    clock.advance(1)
    assert await _drain(queue, 1) == [A]
    clock.advance(100)
    assert await _is_empty(queue)


async def test_delayed_keys_come_in_the_order_of_their_times() -> None:
    clock = Clock()
    queue = Queue(clock)
    for key, seconds in ((A, 3), (B, 1), (C, 2)):
        queue.add_after(key, seconds)
    clock.advance(10)
    assert await _drain(queue, 3) == [B, C, A]


async def test_worker_that_waits_for_a_later_key_wakes_for_an_earlier_one() -> None:
    clock = Clock()
    queue = Queue(clock)
    queue.add_after(A, 1000)
    worker = asyncio.create_task(_take(queue))
    await asyncio.sleep(0)
    clock.advance(1)
    queue.add_after(B, 0)
    assert await worker == B


async def test_due_key_that_a_worker_has_comes_after_that_worker() -> None:
    clock = Clock()
    queue = Queue(clock)
    queue.add(A)
    await _take(queue)
    queue.add_after(A, 1)
    clock.advance(2)
    assert await _is_empty(queue)
    queue.done(A)
    assert await _drain(queue, 1) == [A]


async def test_pause_after_failures_doubles_up_to_the_cap_and_success_forgets() -> None:
    queue = Queue(Clock())
    pauses = [queue.failed(A) for _ in range(40)]
    assert pauses[:4] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4, FIRST_PAUSE * 8]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE == 300.0
    queue.succeeded(A)
    assert queue.failed(A) == FIRST_PAUSE


async def test_failures_are_counted_for_each_key_by_itself() -> None:
    queue = Queue(Clock())
    for _ in range(10):
        queue.failed(A)
    assert queue.failed(B) == FIRST_PAUSE


async def test_failed_key_comes_again_after_its_pause_or_at_a_change() -> None:
    clock = Clock()
    queue = Queue(clock)
    pause = queue.failed(A, at_least=60)
    assert pause == 60
    clock.advance(59)
    assert await _is_empty(queue)
    queue.add(A)
    assert await _drain(queue, 1) == [A]
    clock.advance(1)
    assert await _drain(queue, 1) == [A]


async def test_length_counts_what_waits_and_what_is_worked_on_but_not_what_is_delayed() -> None:
    queue = Queue(Clock())
    queue.add(A)
    queue.add(B)
    queue.add_after(C, 5)
    await _take(queue)
    assert len(queue) == 2
    queue.add(A)
    assert len(queue) == 2
    queue.done(A)
    queue.done(await _take(queue))
    queue.done(await _take(queue))
    assert len(queue) == 0


async def test_cancelled_worker_takes_no_key_with_it() -> None:
    queue = Queue(Clock())
    worker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    queue.add(A)
    assert await _drain(queue, 1) == [A]


# --- what is told of it


async def test_lag_counts_from_the_first_change_that_a_reconcile_took_in() -> None:
    queue = Queue(clock := Clock())
    queue.add(A)
    clock.advance(2)
    queue.add(A)  # it waits already
    clock.advance(3)
    await _take(queue)
    clock.advance(1)
    assert queue.succeeded(A) == 6


async def test_lag_of_a_change_during_the_work_counts_from_that_change() -> None:
    queue = Queue(clock := Clock())
    queue.add(A)
    await _take(queue)
    clock.advance(5)
    queue.add(A)
    clock.advance(1)
    assert queue.succeeded(A) == 6
    queue.done(A)
    await _take(queue)
    assert queue.succeeded(A) == 1


async def test_lag_counts_the_pauses_after_failures_and_begins_anew_after_success() -> None:
    queue = Queue(clock := Clock())
    queue.add(A)
    for _ in range(3):
        await _take(queue)
        queue.failed(A, at_least=10)
        queue.done(A)
        clock.advance(10)
    await _take(queue)
    assert queue.succeeded(A) == 30
    queue.done(A)
    queue.add(A)
    clock.advance(1)
    await _take(queue)
    assert queue.succeeded(A) == 1


async def test_lag_of_what_comes_when_its_time_has_come_counts_from_then() -> None:
    queue = Queue(clock := Clock())
    queue.add_after(A, 100)
    clock.advance(100)
    await _take(queue)
    clock.advance(1)
    assert queue.succeeded(A) == 1


async def test_lanes_tell_what_waits_and_the_oldest_for_how_long() -> None:
    queue = Queue(clock := Clock())
    none = {"ahead": 0, "live": 0, "backlog": 0, "news": 0}
    assert (queue.lanes(), queue.oldest()) == (none, 0.0)
    queue.add(A)
    clock.advance(4)
    queue.add(B, backlog=True)
    queue.add(C, news=True)
    queue.add_after(D, 60)
    assert queue.lanes() == {**none, "live": 1, "backlog": 1, "news": 1}
    assert (queue.at_work(), queue.delayed(), queue.oldest()) == (0, 1, 4.0)
    await _take(queue)
    assert queue.lanes() == {**none, "backlog": 1, "news": 1}
    assert (queue.at_work(), queue.oldest()) == (1, 4.0)
    queue.done(A)
    assert queue.oldest() == 0.0
