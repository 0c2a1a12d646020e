"""R16: two syncers at once, and one that was stopped in mid-flight and goes on later."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.workload import PHASES

STOPPED = 60.0  # seconds


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield both, and the two together."""
    del fast
    yield Case("R16", "two", "two syncers at work", _two, fast=True)
    yield Case("R16", "stopped", "SIGSTOP in mid-flight, SIGCONT later", _stopped)
    yield Case("R16", "replaced", "SIGSTOP, another takes over, SIGCONT", _replaced)


def _two(play: Play) -> None:
    second = play.pair.second
    second.start()
    second.ready()
    play.struck()
    for phase in PHASES:
        play.phase(phase)
    second.stop()


def _stopped(play: Play) -> None:
    play.phase("create")
    syncer = play.pair.syncer
    play.acts("change")
    syncer.pause()
    play.struck()
    play.acts("shrink")
    play.pause(STOPPED)
    syncer.resume()
    play.converges("shrink", since=time.monotonic())
    play.phase("clear")


def _replaced(play: Play) -> None:
    play.phase("create")
    syncer, second = play.pair.syncer, play.pair.second
    play.acts("change")
    syncer.pause()
    play.struck()
    second.start()
    second.ready()
    play.acts("shrink")
    play.converges("shrink", since=time.monotonic())
    # It goes on with what it was about to write before all of that.
    syncer.resume()
    play.pair.still()
    play.converges("shrink", since=time.monotonic())
    second.stop()
    play.phase("clear")
