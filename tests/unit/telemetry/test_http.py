"""What probes and Prometheus are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syncer.telemetry import http
from syncer.telemetry.http import Check
from tests.unit.fake_api import until

pytestmark = pytest.mark.timeout(10)


class Served(Collector):
    def __init__(self) -> None:
        self.troubles = {"start": "", "virt-api": "no answer", "host-watches": "no word for 95 s"}
        self.url = ""
        self.looks = 0

    def checks(self) -> list[Check]:
        self.looks += 1
        return [Check(*each) for each in self.troubles.items()]

    def mend(self) -> None:
        self.troubles = dict.fromkeys(self.troubles, "")

    def collect(self) -> Iterator[Metric]:
        failing = sum(bool(each) for each in self.troubles.values())
        yield GaugeMetricFamily("virtualcluster_failing", "x", failing)

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    runner = await http.serve(made.checks, made, "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


async def test_ready_when_every_check_is_well_and_else_it_gives_every_reason(
    served: Served,
) -> None:
    both = "virt-api: no answer\nhost-watches: no word for 95 s\n"
    assert await served.get("/readyz") == (503, both)
    served.troubles["virt-api"] = ""
    assert await served.get("/readyz") == (503, "host-watches: no word for 95 s\n")
    served.mend()
    assert await served.get("/readyz") == (200, "ok\n")


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("exclude=host-watches", (503, "virt-api: no answer\n")),
        ("exclude=host-watches&exclude=virt-api", (200, "ok\n")),
        ("exclude=nonsense&exclude=virt-api", (503, "host-watches: no word for 95 s\n")),
        ("exclude=", (503, "virt-api: no answer\nhost-watches: no word for 95 s\n")),
    ],
)
async def test_checks_can_be_left_out(served: Served, query: str, answer: tuple[int, str]) -> None:
    assert await served.get(f"/readyz?{query}") == answer


async def test_a_probe_that_waits_hears_of_readiness_at_once(served: Served) -> None:
    asked = asyncio.create_task(served.get("/readyz?within=5&exclude=virt-api"))
    await until(lambda: served.looks > 1)
    assert not asked.done()
    served.mend()
    assert await asyncio.wait_for(asked, 1.0) == (200, "ok\n")


async def test_a_probe_that_waits_in_vain_is_answered_in_time(served: Served) -> None:
    served.troubles["virt-api"] = ""
    assert await served.get("/readyz?within=0.1") == (503, "host-watches: no word for 95 s\n")
    assert served.looks > 1


@pytest.mark.parametrize("within", ["-1", "5.1", "nan", "inf", "soon", ""])
async def test_how_long_a_probe_may_wait(served: Served, within: str) -> None:
    served.mend()
    status, text = await served.get(f"/readyz?within={within}")
    assert (status, text.startswith("within: ")) == (400, True)


async def test_alive_also_while_it_waits(served: Served) -> None:
    assert await served.get("/livez") == (200, "ok\n")


async def test_metrics_are_read_when_asked_for(served: Served) -> None:
    status, text = await served.get("/metrics")
    assert status == 200
    assert "virtualcluster_failing 2.0" in text
    assert "process_resident_memory_bytes" in text
    served.mend()
    assert "virtualcluster_failing 0.0" in (await served.get("/metrics"))[1]


async def test_nothing_else_is_served(served: Served) -> None:
    assert (await served.get("/"))[0] == 404
