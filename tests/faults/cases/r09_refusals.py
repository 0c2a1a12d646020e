"""R9: a server that is too busy, fails now and then, or does what it is asked and never says so."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.injections import Committed, Refuse
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import Asked, writes
from tests.faults.workload import PHASES

PAUSE = 3  # seconds that a 429 asks for
IN_FLIGHT = 32  # requests that were on their way when it came: syncer.sync.controller.WORKERS


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield each refusal on each side."""
    del fast
    for side in ("host", "virt"):
        for code, reason in ((500, "InternalError"), (503, "ServiceUnavailable")):
            yield Case(
                "R9",
                f"{side}-{code}",
                f"30 % of the requests fail with {code}",
                functools.partial(_fails, side, code, reason),
            )
        for then in ("cut", "504", "silence"):
            yield Case(
                "R9",
                f"{side}-lost-{then}",
                "carried out, and the answer is lost",
                functools.partial(_committed, side, then),
                fast=then == "cut",
            )
    yield Case("R9", "host-429", f"429 with Retry-After: {PAUSE}", _too_many, fast=True)


def _fails(side: str, code: int, reason: str, play: Play) -> None:
    ends = play.pair.syncer.ends
    play.inject(side, Refuse(share=0.3, code=code, reason=reason))
    for phase in PHASES:
        begun = time.monotonic()
        play.acts(phase)
        play.converges(phase, since=begun)
    assert play.pair.syncer.ends == ends, "the syncer ended by itself"


def _committed(side: str, then: str, play: Play) -> None:
    # A silent one costs a minute, the limit of a request: then only every tenth.
    share = 0.1 if then == "silence" else 0.5
    play.inject(side, Committed(match=writes, share=share, then=then))
    for phase in PHASES:
        begun = time.monotonic()
        play.acts(phase)
        play.converges(phase, since=begun)


def _host_writes(asked: Asked) -> bool:
    return asked.side == "host" and asked.writes


def _too_many(play: Play) -> None:
    rule = Refuse(
        match=_host_writes, times=3, code=429, reason="TooManyRequests", retry_after=PAUSE
    )
    play.inject("host", rule)
    begun = time.monotonic()
    play.acts("create")
    play.converges("create", since=begun)
    seen = [each for each in play.pair.host_proxy.seen if each.at >= begun]
    told = [each.at for each in seen if each.status == 429]
    early = [
        each
        for each in seen
        if any(at + 0.2 < each.at < at + PAUSE - 0.2 for at in told) and each.asked.verb != "watch"
    ]
    assert len(early) <= IN_FLIGHT, f"{len(early)} requests came although it asked for a pause"
    play.note(f"{len(early)} requests within the pause")
    play.phase("clear")
