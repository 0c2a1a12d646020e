"""R15: the syncer's clock is wrong, by minutes and by a year, and jumps while it runs."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.programs import FAKETIME
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


def _with_clock(play: Play, offset: str) -> Path:
    """Restart the syncer with a clock that a file says; return the file."""
    syncer = play.pair.syncer
    file = play.pair.state / "clock"
    file.write_text(f"{offset}\n")
    syncer.kill(stay=True)
    syncer.child.environment |= {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    syncer.start()
    return file


def _without_clock(play: Play) -> None:
    syncer = play.pair.syncer
    syncer.kill(stay=True)
    for name in list(syncer.child.environment):
        if name == "LD_PRELOAD" or name.startswith("FAKETIME"):
            del syncer.child.environment[name]
    syncer.start()
    syncer.ready()


def _play(offset: str, play: Play) -> None:
    play.phase("create")
    _with_clock(play, offset)
    play.struck()
    begun = time.monotonic()
    try:
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
    finally:
        _without_clock(play)
    play.converges("change", since=begun)
    play.phase("clear")


def _jumps(play: Play) -> None:
    file = _with_clock(play, "+0")
    try:
        play.pair.syncer.ready()
        play.phase("create")
        for offset in ("+1y", "-10m", "+10m", "+0"):
            file.write_text(f"{offset}\n")
            play.struck()
            play.pause(2)
        play.phase("change")
        play.pair.still()
    finally:
        _without_clock(play)
    play.phase("clear")
