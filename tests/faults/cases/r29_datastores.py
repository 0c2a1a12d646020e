"""R4, R29: a datastore that is empty, another cluster's, or an old copy of this one.

What is missing from it must not be taken for what the tenant has deleted.
"""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.play import Play
from tests.faults.reference import Reference

HELD = "deletions are held"
MANY = 60  # objects: more than half of all, so that it is no rollout (syncer.state.deletion_brake)
NEWS = 200  # events of the host's: of each pod several, for an hour; they are no objects of anybody
LOOK = 5.0  # seconds in which nothing must be deleted


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield each datastore, met by a syncer that runs and by one that starts."""
    del fast
    for restarted in (False, True):
        how = "restarted" if restarted else "running"
        yield Case(
            "R4",
            f"empty-{how}",
            "k3s starts on an empty datastore",
            functools.partial(_empty, restarted=restarted),
        )
        yield Case(
            "R29",
            f"old-{how}",
            "k3s starts on an old copy of its datastore",
            functools.partial(_old, restarted=restarted),
        )


def _filled(play: Play) -> set[str]:
    """Make many objects; return the UIDs of all twins."""
    tenant, ns = play.tenant, play.namespace
    names = [f"many-{number}" for number in range(MANY)]
    tenant.makes(*(manifests.service(name, ns, target=8080, clusterIP="None") for name in names))
    play.eventually("all are on the host", lambda: len(_many(play)) == MANY)
    for number in range(NEWS):
        play.pair.host.create(_news(number, play.namespace))
    return _twins(play)


def _news(number: int, virt_namespace: str) -> Obj:
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": NAMESPACE, "name": "somebody"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"news-{virt_namespace}-{number}", "namespace": NAMESPACE},
        "involvedObject": about,
        "reason": "Pulled",
        "message": "an image is there",
        "type": "Normal",
    }


def _many(play: Play) -> list[str]:
    found = play.pair.record.there("host", play.namespace, "Service")
    return [each.name for each in found if each.name.startswith("many-")]


def _twins(play: Play) -> set[str]:
    there = play.pair.record.alive("host")
    return {each.obj["metadata"]["uid"] for each in there}


def _exchange(play: Play, change: object) -> None:
    """Stop k3s, change its datastore, start it."""
    assert callable(change)
    pair = play.pair
    pair.record.leave_virt()
    pair.k3s.stop()
    change(pair.k3s.data)
    pair.k3s.start()
    pair.reach()
    play.struck()


def _put(kept: Path, data: Path) -> None:
    shutil.rmtree(data)
    shutil.copytree(kept, data, symlinks=True)


def _held(play: Play, twins: set[str], *, restarted: bool) -> None:
    """Expect that the syncer holds, and says so, and that nothing is deleted."""
    syncer = play.pair.syncer
    if restarted:
        syncer.kill()
    play.eventually("it says that it holds", lambda: _holds(play), 90)
    play.pause(LOOK)
    gone = twins - _twins(play)
    assert not gone, f"{len(gone)} host objects were deleted"


def _holds(play: Play) -> bool:
    state = play.pair.syncer.state()
    return HELD in state or "exchanged" in state


def _back(play: Play, kept: Path) -> None:
    """The operator brings the right datastore back, and has the pod restarted."""
    _exchange(play, functools.partial(_put, kept))
    play.pair.record.return_virt(play.pair.virt)
    begun = time.monotonic()
    play.pair.syncer.kill()
    play.pair.syncer.ready(90)
    play.converges("create", since=begun, ignoring="many-")


def _empty(play: Play, *, restarted: bool) -> None:
    play.phase("create")
    twins = _filled(play)
    play.pair.k3s.stop()
    kept = play.pair.k3s.keep(f"kept-{play.namespace}")
    _exchange(play, shutil.rmtree)
    _held(play, twins, restarted=restarted)
    _back(play, kept)
    assert twins <= _twins(play), "host objects were deleted"
    _tidy(play)


def _old(play: Play, *, restarted: bool) -> None:
    pair = play.pair
    pair.k3s.stop()
    old = pair.k3s.keep(f"old-{play.namespace}")
    pair.k3s.start()
    pair.reach()
    pair.syncer.ready(90)
    play.phase("create")
    twins = _filled(play)
    pair.record.leave_virt()
    pair.k3s.stop()
    kept = pair.k3s.keep(f"kept-{play.namespace}")
    _exchange(play, functools.partial(_put, old))
    _held(play, twins, restarted=restarted)
    _back(play, kept)
    assert twins <= _twins(play), "host objects were deleted"
    _tidy(play)


def _tidy(play: Play) -> None:
    play.tenant.deletes("Service", *(f"many-{number}" for number in range(MANY)))
    play.phase("clear")
