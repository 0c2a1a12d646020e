"""What probes and Prometheus are told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from syncer import health

pytestmark = pytest.mark.timeout(10)


class Served:
    def __init__(self) -> None:
        self.waiting = "waiting for the virtual API server"
        self.url = ""

    def waits_for(self) -> str:
        return self.waiting

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    requests = [(("host", "PATCH", "pods", 200), 7)]
    state = health.State(made.waits_for, lambda: {"queue_depth": 3.0}, lambda: requests)
    runner = await health.serve(state, "127.0.0.1", 0)
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
    assert "virtualcluster_ready 0.0" in text
    assert "virtualcluster_queue_depth 3.0" in text
    line = (
        'virtualcluster_api_requests_total{code="200",method="PATCH",resource="pods",side="host"}'
    )
    assert f"{line} 7.0" in text
    served.waiting = ""
    assert "virtualcluster_ready 1.0" in (await served.get("/metrics"))[1]


async def test_nothing_else_is_served(served: Served) -> None:
    assert (await served.get("/"))[0] == 404
