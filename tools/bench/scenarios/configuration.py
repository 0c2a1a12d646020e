"""Pods that each use a ConfigMap and a Secret of their own, made just before."""

from __future__ import annotations

from tests.e2e import manifests
from tools.bench import burst
from tools.bench.burst import Burst, Companions, Held, Side
from tools.bench.context import Context, run
from tools.bench.scenarios.pods import rows
from tools.bench.workloads import KWOK, Obj, Template

COUNT, SMALL = 50, 10
TIMES = 3


def measure(context: Context) -> None:
    """Add the rows of bursts, in turn on both sides."""
    count = SMALL if context.small else COUNT
    found = run(lambda: _bursts(context, count))
    rows(context, "configured", KWOK, count, found)


async def _bursts(context: Context, count: int) -> list[tuple[Burst, Burst]]:
    found = []
    async with context.installation.open() as connections:
        for repeat in range(context.times(TIMES)):
            virt, bare = [
                await configured(context, side, count, f"configured-{repeat}")
                for side in connections.sides
            ]
            context.results.sample("configured", KWOK, repeat, virt)
            context.results.sample("configured", KWOK, repeat, bare)
            found.append((virt, bare))
    return found


async def configured(
    context: Context, side: Side, count: int, label: str, held: Held | None = None
) -> Burst:
    """Do one burst, its pods named after the label."""
    names = [f"{label}-{number}" for number in range(count)]
    companions: Companions = {
        name: [
            (f"/api/v1/namespaces/{side.namespace}/configmaps", _config(name, side.namespace)),
            (f"/api/v1/namespaces/{side.namespace}/secrets", _secret(name, side.namespace)),
        ]
        for name in names
    }
    image = context.installation.target.image
    pods = [Template(KWOK, image, _uses(name)).pod(name, side.namespace, label) for name in names]
    return await burst.run(side, label, pods, held, companions)


def _config(name: str, namespace: str) -> Obj:
    return manifests.config_map(name, namespace, colour="green")


def _secret(name: str, namespace: str) -> Obj:
    return manifests.secret(name, namespace, password=name)


def _uses(name: str) -> Obj:
    return {
        "volumes": [
            {"name": "settings", "configMap": {"name": name}},
            {"name": "keys", "secret": {"secretName": name}},
        ]
    }
