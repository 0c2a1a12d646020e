"""What probes and Prometheus are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syncer import health

pytestmark = pytest.mark.timeout(10)


class Served(Collector):
    def __init__(self) -> None:
        self.waiting = "waiting for the virtual API server"
        self.url = ""

    def waits_for(self) -> str:
        return self.waiting

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("virtualcluster_waits", "x", len(self.waiting))

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    runner = await health.serve(made.waits_for, made, "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


async def test_ready_when_nothing_is_waited_for_and_else_it_says_for_what(served: Served) -> None:
    assert await served.get("/readyz") == (503, "waiting for the virtual API server\n")
    served.waiting = ""
    assert await served.get("/readyz") == (200, "ok\n")


async def test_alive_also_while_it_waits(served: Served) -> None:
    assert await served.get("/livez") == (200, "ok\n")


async def test_metrics_are_read_when_asked_for(served: Served) -> None:
    status, text = await served.get("/metrics")
    assert status == 200
    assert "virtualcluster_waits 34.0" in text
    assert "process_resident_memory_bytes" in text
    served.waiting = ""
    assert "virtualcluster_waits 0.0" in (await served.get("/metrics"))[1]


async def test_nothing_else_is_served(served: Served) -> None:
    assert (await served.get("/"))[0] == 404
