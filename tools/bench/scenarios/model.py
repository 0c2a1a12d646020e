"""What one object costs, by its kind, and whether that grows with their number.

Requests, CPU and bytes of a pod, of a pod with a ConfigMap and a Secret of its own, and of a
Service in front of five pods: from its creation until it is gone, on both sides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import orjson

from tools.bench import burst, cost, machine
from tools.bench.api import Api
from tools.bench.burst import Burst, Held, Side
from tools.bench.context import Context, run
from tools.bench.cost import Cost
from tools.bench.installation import Connections
from tools.bench.rows import Column, Row
from tools.bench.scenarios import configuration, services
from tools.bench.workloads import KWOK, Template

SIZES, SMALL = (50, 200, 800), (10,)
STORED = {
    "/api/v1": ("pods", "configmaps", "secrets", "services", "endpoints", "events"),
    "/apis/discovery.k8s.io/v1": ("endpointslices",),
}
"""Of what the bytes are counted, as JSON; on disk etcd and kine have about half of that."""


@dataclass
class Bill:
    """What some objects cost on one side."""

    cost: Cost
    stored_bytes: float


Work = Callable[[Context, Side, int, Held], Awaitable[Burst]]


def measure(context: Context) -> None:
    """Add the rows of each kind and number."""
    for what, work in KINDS.items():
        for count in SMALL if context.small else SIZES:
            virt, bare = run(partial(_both, context, work, count))
            _rows(context, what, count, virt, bare)


async def _both(context: Context, work: Work, count: int) -> tuple[Bill, Bill]:
    async with context.installation.open() as connections:
        for side in connections.sides:
            await _pods(context, side, 16, _nothing)  # connections and nodes are there then
        virt, bare = [
            await _billed(context, connections, side, work, count) for side in connections.sides
        ]
        return virt, bare


async def _nothing() -> None:
    pass


async def _billed(
    context: Context, connections: Connections, side: Side, work: Work, count: int
) -> Bill:
    before = await stored(side)
    found: list[float] = []

    async def whole(held: Held | None) -> Burst:
        async def both() -> None:
            found.append(await stored(side) - before)
            if held is not None:
                await held()

        return await work(context, side, count, both)

    _, made = await cost.metered(connections.meter, context.installation.target.lab, whole)
    return Bill(made, found[0])


async def stored(side: Side) -> float:
    """Return the bytes of all objects of its namespaces, on the host too."""
    total = await _bytes(side.api, side.namespace)
    return total if side.host is None else total + await _bytes(side.host, side.host_namespace)


async def _bytes(api: Api, namespace: str) -> float:
    total = 0
    for group, plurals in STORED.items():
        for plural in plurals:
            found = await api.json("GET", f"{group}/namespaces/{namespace}/{plural}")
            total += sum(len(orjson.dumps(each)) for each in found["items"])
    return float(total)


async def _pods(context: Context, side: Side, count: int, held: Held) -> Burst:
    template, label = Template(KWOK, context.installation.target.image), "model"
    pods = [template.pod(f"{label}-{n}", side.namespace, label) for n in range(count)]
    return await burst.run(side, label, pods, held)


async def _configured(context: Context, side: Side, count: int, held: Held) -> Burst:
    return await configuration.configured(context, side, count, "model-configured", held)


async def _services(context: Context, side: Side, count: int, held: Held) -> Burst:
    return await services.served(context, side, count, "model-services", held)


KINDS: dict[str, Work] = {
    "pod": _pods,
    "pod with ConfigMap and Secret": _configured,
    "Service": _services,
}


def _rows(context: Context, what: str, count: int, virt: Bill, bare: Bill) -> None:
    def add(column: Column, virt: float, bare: float | None = None) -> None:
        each = None if bare is None else bare / count
        ratio = virt / bare if bare else None
        key, name = f"model/{what}/{count}/{column.name}", f"{what}, 1 of {count}: {column.value}"
        context.row(Row(key, name, column.unit, virt / count, each, ratio))

    add(Column.TO_HOST, virt.cost.syncer_to("host").total())
    add(Column.TO_VIRT, virt.cost.syncer_to("virt").total())
    host_all = [each.cost.all_to("host").total() for each in (virt, bare)]
    add(Column.HOST_ALL, *host_all)
    add(Column.VIRT_ALL, virt.cost.all_to("virt").total())
    add(Column.CPU, 1000 * virt.cost.cpu_seconds)
    if virt.cost.programs and bare.cost.programs:
        add(Column.CPU_ALL, *(1000 * _busy(each.cost) for each in (virt, bare)))
    add(Column.STORED, virt.stored_bytes / 1000, bare.stored_bytes / 1000)


def _busy(made: Cost) -> float:
    return sum(
        seconds
        for name, seconds in made.programs.items()
        if name not in (machine.OTHERS, machine.BENCH)
    )
