"""When both sides are at rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from tests.faults.record import Record
from tests.faults.syncer import Syncer

QUEUE = "virtualcluster_queue_depth"
QUIET = 1.0  # seconds without a write and without a change: the sides are at rest


class Sides(Protocol):
    """What is looked at."""

    record: Record
    syncer: Syncer

    def writes(self) -> int:
        """Return how many writes of the syncer there were."""
        ...


def rest(sides: Sides, seconds: float, when: Callable[[], bool]) -> None:
    """Wait until nothing is on its way out, is queued, is written or changes for a while.

    And until `when` says so too: on a machine with much else to do, silence alone is no proof.
    """
    deadline = time.monotonic() + seconds
    last, since = _activity(sides), time.monotonic()
    while True:
        going: Collection[tuple[str, str]] = list(sides.record.going)
        if time.monotonic() > deadline:
            told = [str(sides.record.entries[each]) for each in going]
            raise AssertionError(f"no rest in {seconds:.0f} s; being deleted: {told}")
        time.sleep(0.05)
        if (now := _activity(sides)) != last or going:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > QUIET and when() and not _queued(sides.syncer):
            return


def still(sides: Sides, seconds: float = 90.0) -> None:
    """Wait until the syncer has written nothing for a while, whatever is on its way out."""
    last, since = sides.writes(), time.monotonic()
    deadline = since + seconds
    while time.monotonic() - since < 2 * QUIET:
        if time.monotonic() > deadline:
            raise AssertionError(f"writes go on for {seconds:.0f} s")
        time.sleep(0.05)
        if (now := sides.writes()) != last:
            last, since = now, time.monotonic()


def _activity(sides: Sides) -> tuple[int, int]:
    return sides.writes(), sides.record.changes


def _queued(syncer: Syncer) -> bool:
    if not syncer.child.runs():
        return False
    try:
        return syncer.gauge(QUEUE) > 0
    except OSError:
        return True  # it is just starting
