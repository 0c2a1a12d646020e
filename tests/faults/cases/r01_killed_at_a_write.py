"""R1, R2: kill -9 at each write, just before it reaches the server and just after it has.

The proxy sees every write of the syncer. The reference run says which there are; each is a point at
which the syncer is killed once before and once after, in a run of its own.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.injections import Strike
from tests.faults.play import Play
from tests.faults.reference import Point, Reference, label
from tests.faults.wire import Asked, Match
from tests.faults.workload import PHASES

FAST = 3  # points of each phase that CI tries, spread over all of them
STILL = 5.0  # seconds without a write, all as it should be: then none is to come any more
CAME, NOT_NEEDED = "came", "not needed"
SIDES = ("before", "after")


def cases(reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield a run for each write; those of different phases share one."""
    rows = [_spread(reference.points[phase], FAST if fast else None) for phase in PHASES]
    for number in range(max(map(len, rows))):
        points = {
            phase: row[number] for phase, row in zip(PHASES, rows, strict=True) if number < len(row)
        }
        for when in SIDES:
            yield Case(
                "R1",
                f"{when}-{number:02}",
                f"kill -9 just {when} a write",
                functools.partial(_play, points, after=when == "after"),
                fast=True,
            )


def _spread(points: list[Point], most: int | None) -> list[Point]:
    if most is None or len(points) <= most:
        return points
    return [points[at * (len(points) - 1) // (most - 1)] for at in range(most)]


def _play(points: dict[str, Point], play: Play, *, after: bool) -> None:
    told = []
    for phase in PHASES:
        if phase not in points:
            # What is deleted in the end need not have been shrunk, but what is shrunk was changed.
            if phase in ("create", "clear") or (phase == "change" and "shrink" in points):
                play.phase(phase)
            continue
        point = points[phase]
        strike = Strike(
            match=_occurs(point, play.namespace),
            times=1,
            strike=play.pair.syncer.kill,
            after=after,
        )
        play.inject(point.side, strike)
        play.acts(phase)
        came = play.eventually(f"this write comes: {point}", _Comes(play, strike, phase))
        begun = time.monotonic()
        play.converges(phase, since=begun)
        play.heal()
        if came == NOT_NEEDED and not strike.hits:
            play.withdraw(strike)
        told.append(f"{point}{'' if strike.hits else ' (did not come)'}")
    play.note(", ".join(told))


class _Comes:
    """Tells whether a write has come, or all has been done without it.

    A write that is tried again, because of a conflict or another's being done, is not in every run.
    """

    def __init__(self, play: Play, strike: Strike, phase: str) -> None:
        self._play = play
        self._strike = strike
        self._phase = phase
        self._last = (-1, 0.0)

    def __call__(self) -> str:
        if self._strike.hits:
            return CAME
        writes, since = self._play.pair.writes(), self._last[1]
        if writes != self._last[0] or self._play.differences(self._phase):
            self._last = (writes, time.monotonic())
            return ""
        return NOT_NEEDED if time.monotonic() - since > STILL else ""


def _occurs(point: Point, namespace: str) -> Match:
    """Return what matches this write and no other of its name."""
    count: Counter[str] = Counter()

    def match(asked: Asked) -> bool:
        if not asked.writes or label(asked, namespace) != point[:4]:
            return False
        count["seen"] += 1
        return count["seen"] == point.occurrence

    return match
