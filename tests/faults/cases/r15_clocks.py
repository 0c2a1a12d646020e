"""R15: the syncer's clock is wrong, by minutes and by a year, and jumps while it runs."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.faults import clock
from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.reference import Reference

MINUTES, YEAR = "10m", "1y"


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield each direction and distance."""
    del fast
    for sign, word in (("+", "ahead"), ("-", "behind")):
        for distance in (MINUTES, YEAR):
            yield Case(
                "R15",
                f"{distance}-{word}",
                "the syncer's clock is wrong",
                functools.partial(_play, f"{sign}{distance}"),
            )
    yield Case("R15", "jumps", "the clock jumps while it runs", _jumps)


def _play(offset: str, play: Play) -> None:
    play.phase("create")
    with clock.told_by_file(play.pair, offset):
        play.struck()
        begun = time.monotonic()
        if offset == f"-{YEAR}":
            # No certificate is valid yet: nothing can be done, and nothing may be broken.
            play.pause(10)
            play.acts("change")
            begun = time.monotonic()
        else:
            play.pair.syncer.ready()
            play.phase("change")
            # Tokens that it takes for ended are made anew, and no more often than that.
            play.pair.still()
    play.converges("change", since=begun)
    play.phase("clear")


def _jumps(play: Play) -> None:
    with clock.told_by_file(play.pair, "+0") as file:
        play.pair.syncer.ready()
        play.phase("create")
        for offset in ("+1y", "-10m", "+10m", "+0"):
            file.write_text(f"{offset}\n")
            play.struck()
            play.pause(2)
        play.phase("change")
        play.pair.still()
    play.phase("clear")
