"""Locks by name: one at a time under each, and nothing left of those that went."""

from __future__ import annotations

import asyncio

import pytest

from syncer.kube.keyed_locks import Locks

pytestmark = pytest.mark.timeout(10)


class Work:
    """Who is at work under which names, until the test lets them go on."""

    def __init__(self) -> None:
        self.locks = Locks()
        self.log: list[str] = []
        self.go = asyncio.Event()

    def begin(self, who: str, *names: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._work(who, *names))

    async def _work(self, who: str, *names: str) -> None:
        async with self.locks(*names):
            self.log.append(f"{who} begins")
            await self.go.wait()
            self.log.append(f"{who} ends")


async def _let_all_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_at_a_time_under_a_name_in_the_order_of_arrival() -> None:
    work = Work()
    tasks = [work.begin(who, "a") for who in ("first", "second", "third")]
    work.go.set()
    await asyncio.gather(*tasks)
    assert work.log == [
        f"{who} {what}" for who in ("first", "second", "third") for what in ("begins", "ends")
    ]


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (("a",), ("a",), True),
        (("a",), ("b",), False),
        (("a", "b"), ("b",), True),
        (("b",), ("a", "b"), True),
        (("a", "b"), ("b", "a"), True),
        (("a", "b"), ("c", "d"), False),
        (("a", "a"), ("b",), False),
        ((), (), False),
    ],
)
async def test_who_wants_a_name_that_is_held_waits_for_it(
    first: tuple[str, ...], second: tuple[str, ...], *, waits: bool
) -> None:
    work = Work()
    tasks = [work.begin("first", *first), work.begin("second", *second)]
    await _let_all_run()
    assert work.log == (["first begins"] if waits else ["first begins", "second begins"])
    assert all(name in work.locks for name in (*first, *second))
    work.go.set()
    await asyncio.gather(*tasks)
    assert len(work.log) == 4
    assert not any(name in work.locks for name in "abcd")


async def test_who_fails_lets_the_next_one_in() -> None:
    locks = Locks()
    with pytest.raises(KeyError):
        async with locks("a"):
            raise KeyError
    assert "a" not in locks
    async with locks("a"):
        assert "a" in locks


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_who_is_cancelled_keeps_nobody_from_it(cancelled: int) -> None:
    work = Work()
    tasks = [work.begin(str(number), "a", "b") for number in range(3)]
    await _let_all_run()
    tasks[cancelled].cancel()
    work.go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    ended = [line for line in work.log if line.endswith("ends")]
    assert ended == [f"{number} ends" for number in range(3) if number != cancelled]
    assert "a" not in work.locks
    assert "b" not in work.locks
