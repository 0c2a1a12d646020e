"""Bursts of pods: through the virtual cluster and on the bare host, in turn."""

from __future__ import annotations

from functools import partial

from tools.bench import burst, cost, profile, stats
from tools.bench.burst import Burst, Side
from tools.bench.context import Context, run
from tools.bench.rows import Row, of_pairs
from tools.bench.stages import STAGES
from tools.bench.workloads import KWOK, NODES, REAL, Template

SIZES = {REAL: {1: 15, 20: 5, 60: 5}, KWOK: {1: 5, 50: 5, 200: 5, 500: 3, 2000: 2}}
"""Nodes → pods in a burst → how often at most."""
SMALL = {REAL: {1: 1, 4: 1}, KWOK: {1: 1, 50: 1}}
Pairs = list[tuple[Burst, Burst]]
"""A virtual burst and the bare one right after it."""
WARM = {REAL: 2, KWOK: 16}
"""Pods before the first burst that counts: connections, virtual nodes and caches are there then."""


def real(context: Context) -> None:
    """Measure on nodes that run what they are given."""
    _measure(context, REAL)


def kwok(context: Context) -> None:
    """Measure on KWOK's nodes."""
    _measure(context, KWOK)


def _measure(context: Context, nodes: str) -> None:
    chosen = sizes(context, nodes)
    for count, times in chosen.items():
        last = count == max(chosen)
        found = run(partial(_bursts, context, nodes, count, times, costs=last and nodes == KWOK))
        rows(context, "pods", nodes, count, found)


def sizes(context: Context, nodes: str) -> dict[int, int]:
    """Return number of pods → how often at most; one that is asked for and not usual, 3 times.

    Real kubelets get no more than usual: hundreds of containers stop a small machine.
    """
    usual = (SMALL if context.small else SIZES)[nodes]
    asked = [each for each in context.sizes if nodes == KWOK or each <= max(SIZES[REAL])]
    return {count: usual.get(count, 3) for count in sorted(asked if context.sizes else usual)}


async def _bursts(context: Context, nodes: str, count: int, times: int, *, costs: bool) -> Pairs:
    found: Pairs = []
    lab = context.installation.target.lab
    async with context.installation.open() as connections:
        for side in connections.sides:
            await _burst(context, side, nodes, WARM[nodes], "warm")
        for repeat in range(context.times(times)):
            virt, bare = (
                partial(_burst, context, side, nodes, count, str(repeat))
                for side in connections.sides
            )
            async with profile.profiling(context, f"{nodes}-{count}-{repeat}"):
                virt_done, virt_cost = await cost.metered(connections.meter, lab, virt)
            bare_done, bare_cost = await cost.metered(connections.meter, lab, bare)
            found.append((virt_done, bare_done))
            for each in found[-1]:
                context.results.sample("pods", nodes, repeat, each)
            _say(context, nodes, *found[-1])
        if costs:
            cost.rows(context, count, virt_cost, bare_cost)
    return found


async def _burst(
    context: Context, side: Side, nodes: str, count: int, name: str, held: burst.Held | None = None
) -> Burst:
    template = Template(nodes, context.installation.target.image)
    label = f"{nodes}-{count}-{name}"
    pods = [template.pod(f"{label}-{n}", side.namespace, label) for n in range(count)]
    return await burst.run(side, label, pods, held)


def rows(context: Context, scenario: str, nodes: str, count: int, bursts: Pairs) -> None:
    """Add what bursts of one size showed."""
    complete = [pair for pair in bursts if all(each.latencies for each in pair)]
    key, what = f"{scenario}/{nodes}/{count}", f"{scenario}: {count} on {NODES[nodes]}"
    note = f"pairs: {len(bursts)}"
    for percent in stats.PERCENTILES if count > 1 else (50,):
        virt, bare = (
            [stats.percentile(pair[side].latencies, percent) for pair in complete]
            for side in (0, 1)
        )
        context.row(of_pairs(f"{key}/p{percent}", f"{what}, p{percent}", "s", virt, bare, note))
    if count > 1:
        virt, bare = ([pair[side].rate for pair in complete] for side in (0, 1))
        context.row(of_pairs(f"{key}/rate", f"{what}, pods per second", "/s", virt, bare, note))
        virt, bare = ([pair[side].gone_after for pair in complete] for side in (0, 1))
        context.row(of_pairs(f"{key}/gone", f"{what}, deleted and gone", "s", virt, bare, note))
    lost = [float(sum(pair[side].lost for pair in bursts)) for side in (0, 1)]
    context.row(Row(f"{key}/lost", f"{what}, lost", "", lost[0], lost[1], note=note))
    for stage, meaning in STAGES:
        values = [each for pair in bursts for each in pair[0].stages.get(stage, ())]
        if values:
            middle = stats.percentile(values, 50)
            context.row(
                Row(f"{key}/{stage}", f"{what}, stage {stage} p50", "s", middle, note=meaning)
            )


def _say(context: Context, nodes: str, *bursts: Burst) -> None:
    parts = [
        f"{each.side} p50 {stats.percentile(each.latencies, 50):.2f} s, {each.rate:.1f}/s"
        if each.latencies
        else f"{each.side} none ready"
        for each in bursts
    ]
    context.say(f"{bursts[0].count} pods on {NODES[nodes]}: {'; '.join(parts)}")
