"""R6: watches that fall silent without ending: a firewall that forgot them, a half-open connection.

A server sends a bookmark each minute; silence of 70 s means dead (kube/transport.py: INACTIVITY).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.injections import Silent
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import watches


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield each side, with watches that were good before and with some that never answer."""
    del fast
    for side in ("host", "virt"):
        yield Case(
            "R6",
            f"{side}-silent",
            "watches fall silent",
            functools.partial(_silent, side),
        )
        yield Case(
            "R6",
            f"{side}-black-hole",
            "new watches get no answer",
            functools.partial(_black_hole, side),
        )


def _silent(side: str, play: Play) -> None:
    play.phase("create")
    begun = time.monotonic()
    stalled = play.pair.proxy(side).stall()
    assert stalled > 4, f"only {stalled} watches were open"
    play.struck(stalled)
    play.acts("change")
    play.converges("change", since=begun)
    play.phase("clear")


def _black_hole(side: str, play: Play) -> None:
    play.phase("create")
    rule = Silent(match=watches)
    play.inject(side, rule)
    play.pair.proxy(side).cut()
    begun = time.monotonic()
    play.acts("change")
    play.eventually("watches wait for an answer", lambda: rule.hits > 4)
    play.heal()
    play.converges("change", since=begun)
    play.phase("clear")
