"""R30: ten times the usual load, and a start in the middle of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import manifests
from tests.e2e.waiting import Pending
from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.reference import Reference

PODS, FEW = 500, 60
# The chart's own limit of memory is what the kernel would end it at.
LIMIT_MIB = 512
WARM = 30.0  # seconds from its start until it is in step
MIB = 2**20


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield it."""
    many = FEW if fast else PODS
    yield Case("R30", "pods", "many pods, and kill -9 among them", functools.partial(_play, many))


def _play(many: int, play: Play) -> None:
    tenant, syncer = play.tenant, play.pair.syncer
    tenant.opens()
    before = _resident(syncer.child.pid)
    begun = time.monotonic()
    tenant.makes(manifests.deployment("many", play.namespace, many))
    _ready(play, many)
    took = time.monotonic() - begun
    full = _resident(syncer.child.pid)
    syncer.kill()
    play.struck()
    begun = time.monotonic()
    play.eventually("it is away", lambda: syncer.state() != "ok", 10)
    syncer.ready(WARM)
    play.converged(begun)
    warm = time.monotonic() - begun
    fresh = _resident(syncer.child.pid)
    play.note(
        f"{many} pods in {took:.0f} s; memory {before:.0f} MiB before, {full:.0f} MiB with them,"
        f" {fresh:.0f} MiB after a restart, in step after {warm:.1f} s"
    )
    _ready(play, many)
    tenant.deletes("Deployment", "many")
    play.eventually("all is gone", lambda: not play.leftovers(), 300)
    assert max(full, fresh) < LIMIT_MIB, f"{max(full, fresh):.0f} MiB"


def _ready(play: Play, many: int) -> None:
    def ready() -> bool:
        status = play.virt("Deployment", "many").get("status", {})
        if status.get("readyReplicas", 0) != many:
            raise Pending(str(status.get("readyReplicas")))
        return True

    play.eventually(f"{many} pods are ready", ready, 600)


def _resident(pid: int) -> float:
    """Return the memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / MIB
