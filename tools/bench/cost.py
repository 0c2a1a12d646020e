"""What a pod costs from its creation until it is gone: requests, CPU, memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tools.bench import machine, scrape
from tools.bench.burst import Burst, Held
from tools.bench.context import Context
from tools.bench.errors import BenchError
from tools.bench.rows import Row
from tools.bench.scrape import Meter, Requests, Syncer, Usage

SETTLED = 30.0  # seconds in which a syncer without news has nothing left to do
GLANCE = 0.2


class Cost(NamedTuple):
    """The figures before a burst and after it, and the syncer's memory at its height."""

    before: Usage
    after: Usage
    resident_bytes: float
    programs: dict[str, float]
    """Program → CPU seconds, where that can be seen."""

    def syncer_to(self, side: str) -> Requests:
        """Return the syncer's requests to `host` or `virt`."""
        first, last = (getattr(usage.syncer, side) for usage in (self.before, self.after))
        return scrape.between(first, last)

    def all_to(self, side: str) -> Requests:
        """Return everybody's requests to `host` or `virt`."""
        return scrape.between(getattr(self.before, side), getattr(self.after, side))

    @property
    def cpu_seconds(self) -> float:
        """Return the syncer's CPU time."""
        return self.after.syncer.cpu_seconds - self.before.syncer.cpu_seconds


async def metered(
    meter: Meter, lab: str, work: Callable[[Held | None], Awaitable[Burst]]
) -> tuple[Burst, Cost]:
    """Do a burst; return what it cost with it. `lab`: its name, if the host is one."""
    before, resident = await meter.usage(), 0.0
    programs = machine.programs(lab) if lab else {}

    async def held() -> None:
        nonlocal resident
        resident = (await meter.syncer()).resident_bytes

    done = await work(held)
    await settled(meter)
    used = machine.between(programs, machine.programs(lab)) if lab else {}
    return done, Cost(before, await meter.usage(), resident, used)


def rows(context: Context, count: int, virt: Cost, bare: Cost) -> None:
    """Add what a pod of a burst costs."""
    note = f"each of {count} pods, from its request until it is gone"

    def add(key: str, what: str, unit: str, virt: float, bare: float | None = None) -> None:
        each = None if bare is None else bare / count
        ratio = virt / bare if bare else None
        context.row(Row(f"cost/{key}", f"cost: {what}", unit, virt / count, each, ratio, note))

    to_host, to_virt = virt.syncer_to("host"), virt.syncer_to("virt")
    add("cpu", "CPU of the syncer", "ms", 1000 * virt.cpu_seconds)
    if context.resting_bytes:  # what earlier bursts have left in the heap would hide the rest
        above = (virt.resident_bytes - context.resting_bytes[0]) / 1000
        add("memory", "memory of the syncer at the height, above rest", "KB", above)
    add("host", "host API requests of the syncer", "", to_host.total())
    add("host-writes", "of these writes", "", scrape.writes(to_host).total())
    add("virt", "virtual API requests of the syncer", "", to_virt.total())
    add("virt-writes", "of these writes", "", scrape.writes(to_virt).total())
    add("virt-all", "virtual API requests of all", "", virt.all_to("virt").total())
    all_virt, all_bare = (each.all_to("host").total() for each in (virt, bare))
    add("host-all", "host API requests of all", "", all_virt, all_bare)
    if virt.programs and bare.programs:
        ours, theirs = (
            1000 * sum(value for name, value in each.programs.items() if name != machine.OTHERS)
            for each in (virt, bare)
        )
        add("cpu-all", "CPU of everything in the lab, and of the client", "ms", ours, theirs)
        context.results.about["CPU ms of a pod"] = {
            side: {name: round(1000 * value / count, 2) for name, value in each.programs.items()}
            for side, each in (("virt", virt), ("bare", bare))
        }
    context.results.about["requests of a pod"] = {
        name: {f"{verb} {what}": round(n / count, 3) for (verb, what), n in sorted(made.items())}
        for name, made in (
            ("syncer to host", to_host),
            ("syncer to virtual", to_virt),
            ("all to virtual", virt.all_to("virt")),
            ("all to host", virt.all_to("host")),
            ("all to host, bare", bare.all_to("host")),
        )
    }


async def settled(meter: Meter) -> Syncer:
    """Return the syncer's figures once it has nothing left to do."""
    deadline = time.monotonic() + SETTLED
    while True:
        now = await meter.syncer()
        if not now.queued:
            return now
        if time.monotonic() > deadline:
            raise BenchError(f"the syncer still has {now.queued} keys to do")
        await asyncio.sleep(GLANCE)
