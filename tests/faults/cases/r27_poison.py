"""R27: objects that can never reach the host do not hold up the others."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.faults.case import Case
from tests.faults.injections import Refuse
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import Asked
from tools.bench.stats import percentile

POISON = 100
PROBES = 12
# What a loaded machine may add. An object that waits for the poison waits for its pauses, which are
# longer each time.
SLACK = 2.0
CALM = 10.0  # seconds in which the poison is counted at rest


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield what we refuse ourselves, and what the host refuses."""
    del fast
    for what in ("host", "own"):
        yield Case(
            "R27",
            f"refused-{what}",
            f"{POISON} objects that can never be synced",
            functools.partial(_play, what),
        )


def _poisonous(asked: Asked) -> bool:
    return asked.verb == "create" and asked.name.startswith("poison")


def _poison(number: int, namespace: str, what: str) -> Obj:
    if what == "host":
        return manifests.service(f"poison-{number}", namespace, target=8080, clusterIP="None")
    return manifests.pod(f"poison-{number}", namespace, hostNetwork=True)


def _play(what: str, play: Play) -> None:
    tenant = play.tenant
    tenant.opens()
    clean = [_probe(play, f"clean-{number}") for number in range(PROBES)]
    rule = Refuse(match=_poisonous, code=422, reason="Invalid", message="it is poison")
    if what == "host":
        play.inject("host", rule)
    for number in range(POISON):
        tenant.makes(_poison(number, play.namespace, what))
    if what == "own":
        play.struck(POISON)
    begun = time.monotonic()
    among = [_probe(play, f"among-{number}") for number in range(PROBES)]
    play.converged(begun)
    p99, before = percentile(among, 99), percentile(clean, 99)
    play.note(f"others' p99 {before:.2f} s without, {p99:.2f} s among them")
    assert p99 <= before + SLACK, f"others take {p99:.2f} s instead of {before:.2f} s"
    play.pair.still()
    count = len(play.pair.host_proxy.seen)
    play.pause(CALM)
    seen = play.pair.host_proxy.seen[count:]
    tried = sum(each.asked.writes for each in seen)
    play.note(f"{tried} attempts in {CALM:.0f} s")
    assert tried <= POISON * 2, f"{tried} attempts in {CALM:.0f} s"
    kind = "Service" if what == "host" else "Pod"
    tenant.deletes(kind, *(f"poison-{number}" for number in range(POISON)))
    names = [f"{word}-{number}" for word in ("clean", "among") for number in range(PROBES)]
    tenant.deletes("Service", *names)
    play.heal()
    play.eventually("all is gone", lambda: not play.leftovers())


def _probe(play: Play, name: str) -> float:
    """Return how long a Service takes to reach the host."""
    begun = time.monotonic()
    play.tenant.makes(manifests.service(name, play.namespace, target=8080, clusterIP="None"))
    play.eventually("it is on the host", lambda: play.twin("Service", name), 30)
    return time.monotonic() - begun
