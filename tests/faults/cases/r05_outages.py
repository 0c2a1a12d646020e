"""R5: an API server that is away, comes and goes, or is slow, while the tenant goes on."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.injections import Slow
from tests.faults.play import Play
from tests.faults.reference import Reference

OUTAGES = (5, 60, 300, 600)  # seconds
FLAPS = 8
SLOW = {"fast": 1.0, "whole": 5.0}


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield outages of each side and length."""
    for side in ("host", "virt"):
        for seconds in OUTAGES if side == "host" else OUTAGES[:2]:
            yield Case(
                "R5",
                f"{side}-down-{seconds:03}",
                f"{side} API unreachable for {seconds} s",
                functools.partial(_down, side, seconds),
                fast=(side, seconds) == ("host", OUTAGES[0]),
            )
        yield Case(
            "R5",
            f"{side}-flaps",
            f"{side} API comes and goes",
            functools.partial(_flaps, side),
        )
        yield Case(
            "R5",
            f"{side}-slow",
            f"{side} API answers {SLOW['whole']:.0f} s late",
            functools.partial(_slow, side, SLOW["fast" if fast else "whole"]),
        )


def _down(side: str, seconds: int, play: Play) -> None:
    syncer = play.pair.syncer
    ends = syncer.ends
    play.phase("create")
    proxy = play.pair.proxy(side)
    proxy.down()
    begun = time.monotonic()
    try:
        play.struck()
        play.acts("change")
        play.pause(max(0.0, begun + seconds - time.monotonic()))
    finally:
        proxy.up()
    play.converges("change", since=time.monotonic())
    play.phase("clear")
    # The pod's probes would have restarted it, and its clients found the virtual API gone.
    assert syncer.ends == ends, "the syncer ended by itself"


def _flaps(side: str, play: Play) -> None:
    ends = play.pair.syncer.ends
    proxy = play.pair.proxy(side)
    play.acts("create")
    for _ in range(FLAPS):
        proxy.down()
        play.struck()
        play.pause(0.3)
        proxy.up()
        play.pause(0.7)
    play.converges("create", since=time.monotonic())
    play.phase("clear")
    assert play.pair.syncer.ends == ends, "the syncer ended by itself"


def _slow(side: str, seconds: float, play: Play) -> None:
    play.inject(side, Slow(seconds=seconds))
    begun = time.monotonic()
    play.acts("create")
    play.converges("create", since=begun)
    play.heal()
    play.phase("clear")
