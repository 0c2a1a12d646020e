"""What the host's probes and Prometheus ask: /livez, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector


class State(Collector):
    """The syncer's state, read when somebody asks."""

    def __init__(
        self,
        waits_for: Callable[[], str],
        gauges: Callable[[], dict[str, float]],
        requests: Callable[[], list[tuple[tuple[str, str, str, int], int]]],
    ) -> None:
        self._waits_for = waits_for
        self._gauges = gauges
        self._requests = requests

    def waits_for(self) -> str:
        """Return what readiness waits for; empty when ready."""
        return self._waits_for()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        ready = 0.0 if self._waits_for() else 1.0
        yield GaugeMetricFamily("virtualcluster_ready", "1 when the syncer is in step", ready)
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"virtualcluster_{name}", name.replace("_", " "), value)
        requests = CounterMetricFamily(
            "virtualcluster_api_requests",
            "requests to an API server",
            labels=["side", "method", "resource", "code"],
        )
        for (side, method, resource, code), count in self._requests():
            requests.add_metric([side, method, resource, str(code)], float(count))
        yield requests


async def serve(state: State, host: str, port: int) -> web.AppRunner:
    """Start serving; the caller cleans the runner up."""
    registry = CollectorRegistry()
    for make in (ProcessCollector, PlatformCollector, GCCollector):
        make(registry=registry)
    registry.register(state)

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        waits_for = state.waits_for()
        return web.Response(text=f"{waits_for or 'ok'}\n", status=503 if waits_for else 200)

    async def metrics(_request: web.Request) -> web.Response:
        text = generate_latest(registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
