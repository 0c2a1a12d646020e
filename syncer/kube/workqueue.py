"""The work queue: keys in, one worker per key at a time, no I/O.

The rules are client-go's workqueue: fair (order of arrival), stingy (a key added ten times while
it waits is handed out once), and never concurrent (a key added while a worker has it comes again
when that worker is done). On top: what is nearly done goes ahead of what is begun, live changes go
before start-up backlog, mere news behind all and to few workers at once, failures come back after
a growing pause, and `after` delays a key.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import chain, islice

from syncer.kube.objects import Key

FIRST_PAUSE = 0.05  # most conflicts are over by the next watch event
LONGEST_PAUSE = 300.0  # threats R27: a poisoned object costs one try in five minutes
AHEAD = 4  # of five keys at most so many go ahead: the others come on too
NEWS_WORKERS = 4  # news is handed out while fewer are at work: the others are for what matters
NEWS_PATIENCE = 2.0  # seconds after which news is no longer held back by other work


class Queue:
    """Hands out keys to workers; `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead: OrderedDict[Key, None] = OrderedDict()
        self._live: OrderedDict[Key, None] = OrderedDict()
        self._backlog: OrderedDict[Key, None] = OrderedDict()
        self._news: OrderedDict[Key, float] = OrderedDict()
        """Keys that wait until others do not, and since when."""
        self._hasty: set[Key] = set()
        """Keys that are worked on, and go ahead when they come again."""
        self._turns = 0
        """How many keys have gone ahead since another went."""
        self._dirty: dict[Key, float] = {}
        self._busy: dict[Key, float] = {}
        """Both: since when the key was not in step."""
        self._failures: dict[Key, int] = {}
        self._behind: dict[Key, float] = {}
        """Since when the keys were not in step that come again after a failure."""
        self._later: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._alarm: tuple[float, asyncio.TimerHandle] | None = None

    def __len__(self) -> int:
        """Return how many keys wait or are worked on, those that are delayed not counted."""
        return len(self._dirty.keys() | self._busy.keys())

    def lanes(self) -> dict[str, int]:
        """Return how many keys wait for a worker, by what they wait behind."""
        lanes = {"ahead": self._ahead, "live": self._live, "backlog": self._backlog}
        return {**{name: len(each) for name, each in lanes.items()}, "news": len(self._news)}

    def coming(self, most: int) -> list[Key]:
        """Return keys that wait for a worker and are next to be begun with, in their order."""
        return list(islice(chain(self._live, self._backlog), most))

    def at_work(self) -> int:
        """Return how many keys workers have."""
        return len(self._busy)

    def delayed(self) -> int:
        """Return how many keys come later: after a failure, or when their time has come."""
        return len(self._due)

    def oldest(self) -> float:
        """Return for how many seconds the key that waits longest, or is worked on, does so."""
        since = [*self._dirty.values(), *self._busy.values()]
        return self._clock() - min(since) if since else 0.0

    def add(
        self, key: Key, *, backlog: bool = False, news: bool = False, ahead: bool = False
    ) -> None:
        """Queue the key now; `backlog` puts it behind everything live, `news` behind that too.

        `ahead` puts it before all that: for what is one step from being done. In a burst everything
        would otherwise wait at each of its steps until all had taken the one before, and all would
        be done at the end. A key is either always news or never.
        """
        if key in self._dirty:
            if ahead:
                self._hasten(key)
            elif not backlog and key in self._backlog:
                del self._backlog[key]
                self._live[key] = None
            return
        now = self._dirty[key] = self._clock()
        if key in self._busy:
            if ahead:
                self._hasty.add(key)
            return
        if news:
            self._news[key] = now
        else:
            lane = self._ahead if ahead else self._backlog if backlog else self._live
            lane[key] = None
        self._rouse()

    def _hasten(self, key: Key) -> None:
        if key in self._busy:
            self._hasty.add(key)
            return
        for lane in (self._live, self._backlog):
            if key in lane:
                del lane[key]
                self._ahead[key] = None

    def add_after(self, key: Key, seconds: float) -> None:
        """Queue the key in `seconds`; the earliest of several such wishes counts."""
        due = self._clock() + seconds
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        heapq.heappush(self._later, (due, key))
        self._rouse()

    def failed(self, key: Key, *, at_least: float = 0.0, at_most: float = LONGEST_PAUSE) -> float:
        """Queue the key after its backoff, within the bounds; return the pause in seconds."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        if key not in self._behind:
            self._behind[key] = self._busy.get(key, self._clock())
        pause = max(at_least, min(at_most, FIRST_PAUSE * 2.0 ** min(count, 20)))
        self.add_after(key, pause)
        return pause

    def succeeded(self, key: Key) -> float:
        """Forget the key's failures; return for how many seconds it was not in step."""
        now = self._clock()
        since = self._busy.get(key, now)
        if key in self._failures:
            del self._failures[key]
            since = self._behind.pop(key)
        return now - since

    def done(self, key: Key) -> None:
        """Tell that the worker that took the key has finished with it."""
        self._busy.pop(key, None)
        hasty = key in self._hasty
        self._hasty.discard(key)
        if key in self._dirty:
            (self._ahead if hasty else self._live)[key] = None
            self._rouse()
        elif self._news_may_go():
            self._rouse()

    async def take(self) -> Key:
        """Wait for a key that no other worker has, and take it."""
        while True:
            pause = self._release_due()
            key = self._next()
            if key is not None:
                self._busy[key] = self._dirty.pop(key)
                if self._news_may_go():
                    self._rouse()
                return key
            if self._news:
                held = next(iter(self._news.values())) + NEWS_PATIENCE - self._clock()
                pause = held if pause is None else min(pause, held)
            await self._wait(pause)

    async def _wait(self, pause: float | None) -> None:
        """Wait to be roused, for `pause` seconds at most if it is given."""
        loop = asyncio.get_running_loop()
        if pause is not None and (self._alarm is None or loop.time() + pause < self._alarm[0]):
            # One alarm for all workers, and each key rouses one of them: waking all of them for
            # every key would cost more than most keys do.
            if self._alarm is not None:
                self._alarm[1].cancel()
            self._alarm = (loop.time() + pause, loop.call_later(pause, self._ring))
        waiter = loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._rouse()  # another has to do what this one was roused for
            raise

    def _ring(self) -> None:
        self._alarm = None
        self._rouse()

    def _rouse(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _next(self) -> Key | None:
        if self._ahead and (self._turns < AHEAD or not self._live):
            self._turns += 1
            return self._ahead.popitem(last=False)[0]
        self._turns = 0
        if self._live:
            return self._live.popitem(last=False)[0]
        if self._backlog:
            return self._backlog.popitem(last=False)[0]
        if self._news_may_go():
            return self._news.popitem(last=False)[0]
        return None

    def _news_may_go(self) -> bool:
        if not self._news:
            return False
        waited = self._clock() - next(iter(self._news.values()))
        return len(self._busy) < NEWS_WORKERS or waited >= NEWS_PATIENCE

    def _release_due(self) -> float | None:
        """Queue what is due; return seconds until the next delayed key, None without one."""
        now = self._clock()
        while self._later:
            due, key = self._later[0]
            if self._due.get(key) != due:  # an earlier wish replaced this one
                heapq.heappop(self._later)
                continue
            if due > now:
                return due - now
            heapq.heappop(self._later)
            del self._due[key]
            self.add(key)
        return None
