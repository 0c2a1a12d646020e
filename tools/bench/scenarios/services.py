"""Services in front of pods that run already: how long until traffic could reach them.

That is when the host has the addresses of their pods: its kube-proxies route, also for a virtual
cluster. There the virtual API must show them too, and the later of both counts.
"""

from __future__ import annotations

import contextlib
import time

from tests.e2e.release import MANAGED_BY
from tools.bench import burst, stats
from tools.bench.burst import Burst, Held, Side
from tools.bench.context import Context, run
from tools.bench.rows import of_pairs
from tools.bench.timeline import Timeline, Times
from tools.bench.watching import Watch, watching
from tools.bench.workloads import KWOK, LABEL, Obj, Template

COUNT, SMALL = 50, 10
BACKENDS = 5
TIMES = 3
PATIENCE = 180.0
OF = "kubernetes.io/service-name"


def measure(context: Context) -> None:
    """Add the rows of repeats, in turn on both sides."""
    count = SMALL if context.small else COUNT
    found = run(lambda: _repeats(context, count))
    what, note = f"services: {count} in front of {BACKENDS} pods", f"pairs: {len(found)}"
    for percent in (50, 99):
        virt, bare = ([stats.percentile(pair[n], percent) for pair in found] for n in (0, 1))
        row = of_pairs(f"services/{count}/p{percent}", f"{what}, p{percent}", "s", virt, bare, note)
        context.row(row)


async def _repeats(context: Context, count: int) -> list[tuple[list[float], list[float]]]:
    found = []
    async with context.installation.open() as connections:
        for repeat in range(context.times(TIMES)):
            virt = await _services(context, connections.virt_side, count, repeat)
            bare = await _services(context, connections.bare_side, count, repeat)
            found.append((virt, bare))
            for side, values in (("virt", virt), ("bare", bare)):
                context.results.samples.append(
                    {
                        "scenario": "services",
                        "nodes": KWOK,
                        "count": count,
                        "side": side,
                        "repeat": repeat,
                        "latencies": [round(each, 4) for each in sorted(values)],
                    }
                )
    return found


async def _services(context: Context, side: Side, count: int, repeat: int) -> list[float]:
    label = f"services-{repeat}"
    latencies: list[float] = []

    async def held() -> None:
        latencies.extend(await _create(context, side, label, count))

    await _behind(context, side, label, held)
    return latencies


async def served(context: Context, side: Side, count: int, label: str, held: Held) -> Burst:
    """Create Services in front of pods; `held` is called while all have addresses."""

    async def inner() -> None:
        await _create(context, side, label, count, held)

    return await _behind(context, side, label, inner)


async def _behind(context: Context, side: Side, label: str, held: Held) -> Burst:
    template = Template(KWOK, context.installation.target.image)
    pods = [template.pod(f"{label}-{n}", side.namespace, label) for n in range(BACKENDS)]
    done = await burst.run(side, label, pods, held)
    assert not done.lost, f"{done.lost} pods behind the services were not ready"
    return done


async def _create(
    context: Context, side: Side, label: str, count: int, held: Held | None = None
) -> list[float]:
    names = {f"{label}-{number}" for number in range(count)}
    path = f"/api/v1/namespaces/{side.namespace}/services"
    sent: Times = {}

    async def one(name: str) -> None:
        sent[name] = time.monotonic()
        await side.api.send("POST", path, _service(name, side.namespace, label))

    async with contextlib.AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(opened) for opened in _watches(context, side, label)
        ]
        await burst.each(list(names), one)
        for watch in watches:
            await watch.until(
                f"{count} services have addresses", lambda t: names <= t.ready.keys(), PATIENCE
            )
    if held is not None:
        await held()
    await burst.each([f"{path}/{name}" for name in names], lambda each: _delete(side, each))
    return [max(watch.timeline.ready[name] for watch in watches) - sent[name] for name in names]


async def _delete(side: Side, path: str) -> None:
    await side.api.send("DELETE", path)


def _watches(
    context: Context, side: Side, label: str
) -> list[contextlib.AbstractAsyncContextManager[Watch]]:
    """Return watches of the addresses: the client's, and of a virtual cluster the host's."""
    own = watching(side.api, _slices(side.namespace), f"{LABEL}={label}", addresses())
    if side.host is None:
        return [own]
    release = context.installation.release.name
    twins = addresses(f"-x-{side.namespace}-x-{release}")
    place = _slices(side.host_namespace)
    return [own, watching(side.host, place, f"{MANAGED_BY}={release}", twins)]


def addresses(suffix: str = "") -> Timeline:
    """Return a timeline of EndpointSlices, by the names of their Services without the suffix."""
    return Timeline(
        key=lambda piece: str(piece["metadata"]["labels"].get(OF, "")).removesuffix(suffix),
        good=lambda piece: any(
            (each.get("conditions") or {}).get("ready") for each in piece.get("endpoints") or ()
        ),
    )


def _slices(namespace: str) -> str:
    return f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"


def _service(name: str, namespace: str, label: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: label}},
        "spec": {"selector": {LABEL: label}, "ports": [{"port": 80}]},
    }
