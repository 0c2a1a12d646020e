"""Steady change: of the pods that run, a tenth is replaced every minute, evenly."""

from __future__ import annotations

import asyncio
import time

from tools.bench import burst, stats
from tools.bench.burst import Burst, Side
from tools.bench.context import Context, run
from tools.bench.cost import settled
from tools.bench.rows import Row
from tools.bench.scrape import Meter
from tools.bench.watching import watching
from tools.bench.workloads import KWOK, LABEL, Template, pods_path

COUNT, SECONDS = 200, 90.0
SMALL_COUNT, SMALL_SECONDS = 100, 12.0
SHARE = 0.1  # of the pods, each minute
PATIENCE = 120.0
NEW = "churn-new"


def measure(context: Context) -> None:
    """Add the rows: each new pod's latency, and what the syncer uses all the while."""
    count, seconds = (SMALL_COUNT, SMALL_SECONDS) if context.small else (COUNT, SECONDS)
    virt, bare, cpu = run(lambda: _both(context, count, seconds))
    what = f"churn: 10 % of {count} replaced each minute"
    note = f"{len(virt.sent)} pods in {seconds:.0f} s"
    for percent in stats.PERCENTILES:
        ours, theirs = (stats.percentile(side.latencies, percent) for side in (virt, bare))
        key, ratio = f"churn/p{percent}", stats.ratio(ours, theirs)
        context.row(Row(key, f"{what}, p{percent}", "s", ours, theirs, ratio, note))
    context.row(Row("churn/cpu", f"{what}, CPU of the syncer", "% of a core", 100 * cpu / seconds))
    for side in (virt, bare):
        context.results.sample("churn", KWOK, 0, side)


async def _both(context: Context, count: int, seconds: float) -> tuple[Burst, Burst, float]:
    async with context.installation.open() as connections:
        virt_side, bare_side = connections.sides
        virt, cpu = await _churn(context, virt_side, count, seconds, connections.meter)
        bare, _ = await _churn(context, bare_side, count, seconds, connections.meter)
    return virt, bare, cpu


async def _churn(
    context: Context, side: Side, count: int, seconds: float, meter: Meter
) -> tuple[Burst, float]:
    template = Template(KWOK, context.installation.target.image)
    names = [f"churn-{number}" for number in range(count)]
    pods = [template.pod(name, side.namespace, "churn") for name in names]
    pause = 60.0 / (SHARE * count)
    steps = int(seconds / pause)
    new = Burst(side.name, steps)
    cpu = 0.0

    async def held() -> None:
        nonlocal cpu
        path = pods_path(side.namespace)
        before = (await settled(meter)).cpu_seconds
        async with watching(side.api, path, f"{LABEL}={NEW}", new.timeline) as watch:
            begin = time.monotonic()
            for step in range(steps):
                await asyncio.sleep(max(0.0, begin + step * pause - time.monotonic()))
                await burst.delete(side, names[step])
                pod = template.pod(f"{NEW}-{step}", side.namespace, NEW)
                await burst.create(side, [pod], new, {})
            await watch.until("every new pod is ready", lambda t: len(t.ready) >= steps, PATIENCE)
            cpu = (await settled(meter)).cpu_seconds - before
            await burst.remove(side, list(new.sent), watch, PATIENCE, alone=False)

    await burst.run(side, "churn", pods, held)
    return new, cpu
