"""When the group is served and registered, as the host's API comes and goes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from syncer.kubelet import REQUEST_HEADER_CA, ServingTls
from syncer.metricsapi import Figures, MetricsApi, Way
from syncer.metricsapi.host_metrics import HostMetrics
from syncer.metricsapi.registration import SERVER_NAME, Registration
from tests.unit.build import IDENT, Clock
from tests.unit.fake_api import until
from tests.unit.fake_metrics import ROOT, FakeMetrics
from tests.unit.kubelet_pki import make_ca, write_tls_dir
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(20)
CA, PROXY_CA = make_ca("server"), make_ca("request-header")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Case:
    """One virtual cluster before a host that says `status` about its metrics API."""

    def __init__(self, sides: Sides, fake: FakeMetrics, directory: Path, *, on: bool) -> None:
        write_tls_dir(directory, CA, CA)
        (directory / REQUEST_HEADER_CA).write_bytes(PROXY_CA.cert_pem)
        self.sides = sides
        self.fake = fake
        self.client = fake.client()
        self.way = Way("kubelet.internal", _free_port(), directory / "server-ca.crt")
        source = HostMetrics(self.client, IDENT, Clock())
        answers = Figures(sides.world, source, lambda: True, whole_nodes=False)
        tls = ServingTls(directory, [SERVER_NAME], client_ca=REQUEST_HEADER_CA)
        self.api = MetricsApi(sides.virt, answers, self.way, tls, on=on)

    def registered(self) -> bool:
        found = self.sides.virt_api.objects.find("apiservices", "", "v1beta1.metrics.k8s.io")
        return found is not None

    async def look(self) -> None:
        """Run until the host has been looked at once, and what follows from it is done."""
        async with self.client:
            before = len(self.fake.requests)
            task = asyncio.create_task(self.api.run())
            await until(lambda: task.done() or len(self.fake.requests) > before)
            reads = -1
            while reads != len(self.sides.virt_api.requests):  # comes to rest
                reads = len(self.sides.virt_api.requests)
                await asyncio.sleep(0.1)
            self.done = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def leave_behind(self) -> None:
        """What an earlier start with metrics leaves."""
        await Registration(self.sides.virt, self.way).register()


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        (200, False, True),
        (200, True, True),
        (404, False, False),
        (404, True, False),
        (503, False, False),
        (503, True, True),
    ],
)
async def test_registered_as_the_host_says_and_kept_while_it_says_nothing(
    sides: Sides,
    tmp_path: Path,
    status: int,
    before: bool,  # noqa: FBT001
    after: bool,  # noqa: FBT001
) -> None:
    async with FakeMetrics(status=status) as fake:
        case = Case(sides, fake, tmp_path, on=True)
        if before:
            await case.leave_behind()
        await case.look()
        assert case.registered() is after
        assert not case.done
        assert fake.requests == [ROOT]


async def test_switched_off_removes_what_an_earlier_start_left_and_never_asks_the_host(
    sides: Sides, tmp_path: Path
) -> None:
    async with FakeMetrics() as fake:
        case = Case(sides, fake, tmp_path, on=False)
        await case.leave_behind()
        await case.look()
        assert case.done
        assert not case.registered()
        assert fake.requests == []


async def test_port_that_is_taken_is_tried_again_and_nothing_is_registered(
    sides: Sides, tmp_path: Path
) -> None:
    async with FakeMetrics() as fake:
        case = Case(sides, fake, tmp_path, on=True)
        with socket.create_server(("127.0.0.1", case.way.port)):
            async with case.client:
                task = asyncio.create_task(case.api.run())
                await asyncio.sleep(0.2)
                assert not task.done()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        assert not case.registered()
