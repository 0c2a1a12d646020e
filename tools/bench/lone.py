"""A syncer between two simulated API servers, until it has nothing left to do.

    python -m tools.bench.lone VIRT_URL HOST_URL

Prints its own metrics as they are then. It is the syncer as app/run.py wires it, without k3s: no
kubelet endpoint, no metrics API, no certificates.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import uvloop
from prometheus_client.exposition import generate_latest

from syncer import log
from syncer.app.replica import Parts, Replica
from syncer.sync.informers import keep
from syncer.sync.kinds import BY_DEFAULT
from syncer.telemetry import http
from syncer.telemetry.metrics import Metrics
from syncer.telemetry.readiness import Progress
from tests.unit import fake_server
from tests.unit.build import SCOPE, settings, world
from tests.unit.sides import Endpoint
from tools.bench import scrape

QUIET = 1.0  # seconds in which nothing more was queued
GLANCE = 0.1


async def main(virt_url: str, host_url: str) -> str:
    """Return the metrics of the moment in which the last work was done."""
    progress = Progress()
    told = http.registry(Metrics(progress))
    async with (
        fake_server.client("virt", virt_url, inactivity=60.0) as virt,
        fake_server.client("host", host_url, inactivity=60.0) as host,
    ):
        progress.clients += [host, virt]
        parts = Parts(settings(), progress, world(SCOPE), virt, host, _nobody, Endpoint())
        replica = Replica(parts, frozenset(BY_DEFAULT), "v1.34.4", "v1.34.4+k3s1")
        tasks = [asyncio.create_task(keep(replica.sources)), asyncio.create_task(replica.alone())]
        try:
            return await _until_quiet(lambda: generate_latest(told).decode(), tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _nobody() -> None:
    """Hand out nothing: there is no administrator."""


async def _until_quiet(tell: Callable[[], str], tasks: list[asyncio.Task[None]]) -> str:
    text, since = "", 0.0
    while True:
        for task in tasks:
            if task.done():
                task.result()
        last = tell()
        now = scrape.syncer(last)
        if not now.ready or now.queued:
            text = ""
        elif not text:
            text, since = last, time.monotonic()
        elif time.monotonic() - since > QUIET:
            return text
        await asyncio.sleep(GLANCE)


if __name__ == "__main__":
    log.configure("warning")
    sys.stdout.write(uvloop.run(main(*sys.argv[1:])))
