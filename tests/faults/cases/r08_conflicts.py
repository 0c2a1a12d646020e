"""R8: somebody else writes the same objects ten times a second, and updates meet conflicts."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator

from tests.e2e.cluster import ApiError
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.injections import Refuse
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import Asked

KINDS = ("ConfigMap", "Service", "Pod")
PERIOD = 0.1
STORM = 5.0
RIVAL = "rival.example.com/count"


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield a rival on the host, and conflicts without one."""
    del fast
    yield Case("R8", "rival", "a rival writes the twins 10 times a second", _rival, fast=True)
    for side in ("host", "virt"):
        play = functools.partial(_storm, side)
        yield Case("R8", f"{side}-409", "every second change meets a conflict", play)


def _changes(asked: Asked) -> bool:
    return asked.verb in ("update", "patch", "delete")


def _storm(side: str, play: Play) -> None:
    conflict = "the object has been modified; please apply your changes to the latest version"
    rule = Refuse(match=_changes, share=0.5, code=409, reason="Conflict", message=conflict)
    play.inject(side, rule)
    for phase in ("create", "change", "shrink", "clear"):
        play.phase(phase)


def _rival(play: Play) -> None:
    play.phase("create")
    over = threading.Event()
    count = [0]

    def write() -> None:
        while not over.wait(PERIOD):
            count[0] += 1
            note = {"metadata": {"annotations": {RIVAL: str(count[0])}}}
            for kind in KINDS:
                for each in play.pair.record.there("host", play.namespace, kind):
                    with contextlib.suppress(ApiError):  # it went meanwhile
                        play.pair.host.patch(kind, each.name, NAMESPACE, note)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        play.acts("change")
        over.wait(STORM)
    finally:
        over.set()
        thread.join(10)
    play.struck(count[0])
    begun = time.monotonic()
    # What it wrote is its own, and stays; a storm of answers to it would be ours.
    twins = [
        each for kind in KINDS for each in play.pair.record.there("host", play.namespace, kind)
    ]
    noted = [each for each in twins if RIVAL in (each.obj["metadata"].get("annotations") or {})]
    assert len(noted) == len(twins), "the rival's annotations were removed"
    for each in noted:
        note = {"metadata": {"annotations": {RIVAL: None}}}
        play.pair.host.patch(each.kind, each.name, NAMESPACE, note)
    play.converges("change", since=begun)
    play.phase("clear")
