"""R28: a host that knows other fields: some are dropped, some appear with defaults."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tests.faults.case import Case
from tests.faults.injections import Changed
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import Asked
from tests.faults.workload import PHASES

REST = 10.0  # seconds without a single write
KINDS = ("pods", "services", "persistentvolumeclaims", "ingresses")
FORGOTTEN = ("enableServiceLinks", "internalTrafficPolicy", "volumeMode", "hostUsers")


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield more fields, and fewer."""
    del fast
    for what, change in (("adds", _adds), ("drops", _drops)):
        yield Case(
            "R28",
            what,
            f"a host that {what} fields",
            functools.partial(_play, change),
            fast=what == "adds",
        )


def _known(asked: Asked) -> bool:
    kind = asked.resource.partition("/")[0]
    return kind in KINDS and asked.verb != "delete"


def _adds(obj: dict[str, Any]) -> None:
    if isinstance(obj.get("spec"), dict):
        obj["spec"]["fieldOfTheNextVersion"] = {"mode": "Default", "list": [1]}
        for each in obj["spec"].get("containers") or ():
            each["policyOfTheNextVersion"] = "Always"
        for each in obj["spec"].get("ports") or ():
            each["hintOfTheNextVersion"] = "none"


def _drops(obj: dict[str, Any]) -> None:
    if isinstance(obj.get("spec"), dict):
        for field in FORGOTTEN:
            obj["spec"].pop(field, None)


def _play(change: Any, play: Play) -> None:
    play.inject("host", Changed(match=_known, change=change))
    # The watches that are open show what they began with.
    play.pair.syncer.kill()
    play.pair.syncer.ready()
    for phase in PHASES:
        play.phase(phase)
        if phase == "create":
            play.pair.rest()
            before = play.pair.writes()
            play.pause(REST)
            written = play.pair.writes() - before
            assert not written, f"{written} writes in {REST:.0f} s, and nothing has changed"
    play.heal()
    play.pair.syncer.kill()
    play.pair.syncer.ready()
