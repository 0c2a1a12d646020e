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
from tests.faults.injections import Match, Strike
from tests.faults.play import Play
from tests.faults.reference import Point, Reference, label
from tests.faults.wire import Asked
from tests.faults.workload import PHASES

FAST = 3  # points of each phase that CI tries, spread over all of them
COMES = 60.0  # seconds
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
        play.eventually(f"this write comes: {point}", functools.partial(_came, strike), COMES)
        begun = time.monotonic()
        play.converges(phase, since=begun)
        play.heal()
    play.note(", ".join(map(str, points.values())))


def _came(strike: Strike) -> bool:
    return strike.hits > 0


def _occurs(point: Point, namespace: str) -> Match:
    """Return what matches this write and no other of its name."""
    count: Counter[str] = Counter()

    def match(asked: Asked) -> bool:
        if not asked.writes or label(asked, namespace) != point[:4]:
            return False
        count["seen"] += 1
        return count["seen"] == point.occurrence

    return match
