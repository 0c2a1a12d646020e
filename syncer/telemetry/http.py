"""What the host's probes and Prometheus ask: /livez, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

GLANCE = 0.05  # seconds between two looks at what a probe waits for
LONGEST = 5.0  # seconds


class Check(NamedTuple):
    """One thing that readiness depends on; `trouble` is empty when all is well with it."""

    name: str
    trouble: str


def registry(own: Collector) -> CollectorRegistry:
    """Return what /metrics tells: our own, and what the library knows of process and Python."""
    made = CollectorRegistry()
    for make in (ProcessCollector, PlatformCollector, GCCollector):
        make(registry=made)
    made.register(own)
    return made


async def serve(
    checks: Callable[[], list[Check]], own: Collector, host: str, port: int
) -> web.AppRunner:
    """Start serving; the caller cleans the runner up. All is ready when no check has trouble."""
    told = registry(own)

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        # As with Kubernetes' own components: /readyz?exclude=a&exclude=b leaves checks out.
        excluded = request.query.getall("exclude", [])

        def failing() -> list[Check]:
            return [each for each in checks() if each.trouble and each.name not in excluded]

        # /readyz?within=0.9 waits so many seconds for the answer that is hoped for: the kubelet
        # asks once a second at most, and hears of readiness while it asks instead of afterwards.
        try:
            deadline = time.monotonic() + _seconds(request.query.get("within", "0"))
        except ValueError as error:
            return web.Response(text=f"within: {error}\n", status=400)
        while (failed := failing()) and time.monotonic() < deadline:  # noqa: ASYNC110 (no one event)
            await asyncio.sleep(GLANCE)
        text = "".join(f"{name}: {trouble}\n" for name, trouble in failed)
        return web.Response(text=text or "ok\n", status=503 if failed else 200)

    async def metrics(_request: web.Request) -> web.Response:
        text = generate_latest(told)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"{text} is not from 0 to {LONGEST:g} seconds")
    return seconds
