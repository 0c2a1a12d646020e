"""What a syncer at work tells, as Prometheus' own linter reads it."""

from __future__ import annotations

import pytest
from prometheus_client.exposition import generate_latest

from syncer.leader.election import Leader
from syncer.telemetry import http
from syncer.telemetry.metrics import Metrics
from syncer.telemetry.readiness import Progress
from tests.monitoring.promtool import promtool
from tests.unit.build import IDENT, SCOPE, pod
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.sides import both_sides
from tools import metrics_reference

pytestmark = pytest.mark.timeout(60)


async def _exposition() -> str:
    async with both_sides(SCOPE) as sides:
        engine = Engine(sides)
        engine.furnish()
        engine.add_pods(1)
        engine.virt_api.objects.create("pods", "default", pod("bad", hostNetwork=True))
        progress = Progress()
        progress.clients = [sides.virt, sides.host]
        progress.sources, progress.controller = engine.sources, engine.controller
        progress.versions = {"virt": "v1.34.4+k3s1", "host": "v1.34.4"}
        progress.leader = Leader(sides.host, IDENT, "vc-0")
        progress.expiries = lambda: {"admin": 1.8e9}
        async with engine.running():
            await until(engine.host_pods)
            await until(lambda: engine.controller.attempts.refusals)
            return generate_latest(http.registry(Metrics(progress))).decode()


async def test_linter_finds_nothing_and_all_metrics_are_there() -> None:
    text = await _exposition()
    done = promtool("check", "metrics", given=text)
    assert (done.returncode, done.stdout) == (0, "")
    told = {line.partition("{")[0].partition(" ")[0] for line in text.splitlines()}
    assert metrics_reference.names() <= told


def test_linter_finds_what_is_against_the_conventions() -> None:
    done = promtool(
        "check", "metrics", given="# TYPE lag_milliseconds counter\nlag_milliseconds 1\n"
    )
    assert done.returncode != 0
