"""A virtual cluster in which nothing happens: memory, CPU, and no write at all."""

from __future__ import annotations

import asyncio
import time

from tests.e2e.audit import WRITES, account_user
from tools.bench import scrape
from tools.bench.context import Context, run
from tools.bench.cost import settled
from tools.bench.rows import Row
from tools.bench.scrape import Syncer

WINDOW, SMALL = 60.0, 10.0  # seconds
QUIET = 5.0  # seconds without a write, before the window opens
PATIENCE = 120.0


def measure(context: Context) -> None:
    """Add the rows of one window."""
    window = SMALL if context.small else WINDOW
    before, after, since = run(lambda: _window(context, window))
    writes = {
        side: scrape.writes(scrape.between(getattr(before, side), getattr(after, side)))
        for side in ("host", "virt")
    }
    count = float(sum(each.total() for each in writes.values()))
    note = f"in {window:.0f} s, on both sides, by the syncer's own count"
    audit = context.installation.target.audit
    if audit is not None:
        release = context.installation.release
        user = account_user(release.namespace, release.name)
        logged = [each for each in audit.requests(user, since) if each.verb in WRITES]
        count = max(count, float(len(logged)))
        note += " and the host's audit log"
    if count:
        note += f": {dict(writes['host'] + writes['virt'])}"
    cpu = 100 * (after.cpu_seconds - before.cpu_seconds) / window
    resident = before.resident_bytes / 2**20
    context.resting_bytes.append(before.resident_bytes)
    context.row(Row("rest/rss", "rest: memory of the syncer", "MiB", resident))
    context.row(Row("rest/cpu", "rest: CPU of the syncer", "% of a core", cpu))
    context.row(Row("rest/writes", "rest: writes", "", count, note=note))


async def _window(context: Context, window: float) -> tuple[Syncer, Syncer, float]:
    async with context.installation.open() as connections:
        meter = connections.meter
        last, quiet_since = await settled(meter), time.monotonic()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < min(quiet_since + QUIET, deadline):
            await asyncio.sleep(0.5)
            now = await meter.syncer()
            if scrape.writes(now.host + now.virt) != scrape.writes(last.host + last.virt):
                last, quiet_since = now, time.monotonic()
        since = time.time()
        before = await meter.syncer()
        await asyncio.sleep(window)
        return before, await meter.syncer(), since
