"""The syncer is killed while thousands of pods run: how long until all is in step again.

Converged is when its own readiness says so, nothing is left in its queue, and a pod that was
created while it was away is Ready. Whatever it writes until then about any other object is a write
to one that had not changed.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from tests.e2e.audit import WRITES, AuditLog, Request, account_user
from tests.e2e.processes import kill
from tools.bench import burst, scrape
from tools.bench.burst import Burst
from tools.bench.context import Context, run
from tools.bench.cost import settled
from tools.bench.errors import BenchError
from tools.bench.installation import Connections
from tools.bench.profile import started_at, syncer_pid
from tools.bench.rows import Row
from tools.bench.scrape import Meter, Syncer
from tools.bench.watching import watching
from tools.bench.workloads import KWOK, LABEL, Template, pods_path

COUNT, SMALL = 2000, 50
PROBE = "restart-probe"
PATIENCE = 300.0
GLANCE = 0.1
LATER = 5.0  # seconds after which nothing more may follow


class Outcome(NamedTuple):
    """What one restart showed."""

    away: float
    """Seconds from the kill until a new syncer ran."""
    converged: float
    """Seconds from the start of the new syncer."""
    after: Syncer
    since: float
    """When it was killed, by the wall clock."""
    until: float
    """When everything must have been over, and the pods were still there."""


def measure(context: Context) -> None:
    """Add the rows of one restart."""
    count = max(context.sizes) if context.sizes else SMALL if context.small else COUNT
    outcome = run(lambda: _restart(context, count))
    what = f"restart with {count} pods"
    context.row(Row("restart/away", f"{what}: killed until started", "s", outcome.away))
    note = "started until ready, nothing queued and a pod from meanwhile Ready"
    context.row(Row("restart/converged", f"{what}: converged", "s", outcome.converged, note=note))
    cpu = outcome.after.cpu_seconds
    context.row(Row("restart/cpu", f"{what}: CPU until then", "s", cpu))
    resident = outcome.after.resident_bytes / 2**20
    context.row(Row("restart/rss", f"{what}: memory then", "MiB", resident))
    if context.resting_bytes:
        more = (outcome.after.resident_bytes - context.resting_bytes[0]) / 1000 / count
        context.row(Row("restart/memory", f"{what}: memory of a pod, above rest", "KB", more))
    audit = context.installation.target.audit
    if audit is not None:
        release = context.installation.release
        user = account_user(release.namespace, release.name)
        found = unchanged(audit, user, outcome.since, outcome.until)
        shown = ", ".join(sorted({f"{each.verb} {each.resource}" for each in found}))
        what = f"{what}: host writes to what had not changed"
        context.row(Row("restart/unchanged", what, "", float(len(found)), note=shown))
    virt = scrape.writes(outcome.after.virt)
    note = ", ".join(f"{n} {verb} {resource}" for (verb, resource), n in sorted(virt.items()))
    what = f"restart with {count} pods: virtual API writes"
    context.row(Row("restart/virt", what, "", float(virt.total()), note=note))


def unchanged(audit: AuditLog, user: str, since: float, until: float) -> list[Request]:
    """Return the writes that are not about the probe; what was refused has written nothing."""
    return [
        each
        for each in audit.requests(user, since, until)
        if each.verb in WRITES
        and each.code < 300
        and PROBE not in each.uri
        and PROBE not in each.name
        and "reviews" not in each.resource
        and "dryRun" not in each.uri
    ]


async def _restart(context: Context, count: int) -> Outcome:
    async with context.installation.open() as connections:
        side, template = connections.virt_side, Template(KWOK, context.installation.target.image)
        pods = [template.pod(f"restart-{n}", side.namespace, "restart") for n in range(count)]
        found: list[Outcome] = []

        async def held() -> None:
            found.append(await _kill(context, connections, template))

        done: Burst = await burst.run(side, "restart", pods, held)
        if done.lost or not found:
            raise BenchError(f"{done.lost} of {count} pods were not ready: no restart to look at")
        return found[0]


async def _kill(context: Context, connections: Connections, template: Template) -> Outcome:
    side, meter = connections.virt_side, connections.meter
    before = await settled(meter)
    await asyncio.sleep(LATER)  # nothing that was on its way is counted against the new one
    pid = await asyncio.to_thread(syncer_pid, context.installation)
    path, labels = pods_path(side.namespace), f"{LABEL}={PROBE}"
    timeline = Burst(side.name, 1).timeline
    async with watching(side.api, path, labels, timeline) as watch:
        since = time.time()
        kill(pid)
        await side.api.json("POST", path, template.pod(PROBE, side.namespace, PROBE))
        await watch.until("the probe is ready", lambda t: PROBE in t.ready, PATIENCE)
        idle_at = await _in_step(meter, before.started)
        converged = max(idle_at, wall(timeline.ready[PROBE]))
        await asyncio.sleep(LATER)
        last, until = await meter.syncer(), time.time()
        await burst.delete(side, PROBE)
        await watch.until("the probe is gone", lambda t: PROBE in t.gone, PATIENCE)
        started = started_at(await asyncio.to_thread(syncer_pid, context.installation))
    return Outcome(started - since, converged - started, last, since, until)


async def _in_step(meter: Meter, before: float) -> float:
    """Return when the new syncer was ready and idle."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            now = await meter.syncer()
        except BenchError:
            pass  # it does not listen yet
        else:
            if now.started > before and now.ready and not now.queued:
                return time.time()
        await asyncio.sleep(GLANCE)
    raise BenchError(f"the syncer is not in step again after {PATIENCE:.0f} s")


def wall(monotonic: float) -> float:
    """Return what the wall clock said at a moment."""
    return time.time() - time.monotonic() + monotonic
