"""R7: 410 in every form, after changes and deletions that no watch has told of."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.injections import Cut, Expire, Injection, Refuse, SmallPages
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import lists, watches

ONCE = 8  # watches of a side that are told; each then waits longer before it begins anew
FORMS = ("http", "event", "event-gone", "pages", "list")
FAST = (("host", "pages"), ("virt", "event"))


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield each form on each side."""
    del fast
    for side in ("host", "virt"):
        for form in FORMS:
            yield Case(
                "R7",
                f"{side}-{form}",
                "410, as code, as event, within a list",
                functools.partial(_play, side, form),
                fast=(side, form) in FAST,
            )


def _rules(form: str) -> list[Injection]:
    """Return the form: each watch of the side is told once, since all begin anew."""
    expired = Refuse(match=watches, times=ONCE, code=410, reason="Expired")
    if form == "http":
        return [expired]
    if form == "event":
        return [Expire(match=watches, times=ONCE)]
    if form == "event-gone":
        return [Expire(match=watches, times=ONCE, reason="Gone")]
    if form == "pages":
        return [expired, SmallPages(match=lists)]
    return [expired, Refuse(match=lists, times=ONCE, code=410, reason="Expired")]


def _play(side: str, form: str, play: Play) -> None:
    play.phase("create")
    # Nothing gets through while the tenant changes and deletes.
    blind = Cut(match=lambda asked: watches(asked) or lists(asked))
    play.inject(side, blind)
    play.pair.proxy(side).cut()
    play.eventually("the watches are gone", lambda: blind.hits > 4)
    play.acts("change")
    play.acts("shrink")
    play.heal()
    play.inject(side, *_rules(form))
    begun = time.monotonic()
    play.eventually("the side has been told", lambda: play.hits() > blind.hits + 4, 60)
    play.converges("shrink", since=begun)
    play.heal()
    play.phase("clear")
