"""metrics.k8s.io for the virtual cluster, answered from the host's: `kubectl top` and HPAs.

    metrics = MetricsApi(virt, answers, way, tls, on=True)
    await metrics.run()                 # serves and stays registered while the host has figures

A request goes: kubectl or a controller -> the virtual API server (RBAC) -> its aggregator -> our
port on loopback (server) -> the host's list, a few seconds old at most (host_metrics) -> only our
pods, in virtual names (usage) -> the form that was asked for (responses).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiohttp import web

from syncer.errors import ApiError, Unreachable
from syncer.kube.client import Client
from syncer.kubelet import CertificateError, ServingTls
from syncer.metricsapi.registration import SERVER_NAME, Registration, Way
from syncer.metricsapi.server import Figures, serve

__all__ = ["PORT", "SERVER_NAME", "Figures", "MetricsApi", "Way"]

log = structlog.get_logger()
PORT = 10349  # right below the nodes' ports (translate/nodes.FIRST_PORT)
LOOK = 30.0  # seconds between two looks at whether the host has the API; one cheap read
FAILED_LOOK = 2.0  # k3s restarts within seconds


class MetricsApi:
    """Serves the group and registers it, or sees to it that it is not registered."""

    def __init__(
        self,
        virt: Client,
        answers: Figures,
        way: Way,
        tls: ServingTls,
        *,
        on: bool,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._registration = Registration(virt, way)
        self._answers = answers
        self._port = way.port
        self._tls = tls
        self._on = on
        self._leads = leads
        self._runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Work until cancelled; when switched off, until nothing of ours is left."""
        try:
            while True:
                try:
                    if await self._step():
                        return
                except (ApiError, Unreachable, CertificateError, OSError) as error:
                    log.warning("metrics sync failed", error=str(error))
                    await asyncio.sleep(FAILED_LOOK)
                except Exception:
                    # A bug must cost `kubectl top`, not the syncing.
                    log.exception("bug", kind="metrics")
                    await asyncio.sleep(LOOK)
                else:
                    await asyncio.sleep(LOOK)
        finally:
            if self._runner is not None:
                await self._runner.cleanup()

    async def _step(self) -> bool:
        """Do what is to be done now; tell whether that was the last of it."""
        if not self._on:
            if not self._leads():
                return False
            await self._registration.unregister()
            return True
        if self._runner is None:
            # Before anything is registered, and whatever the host says: an earlier start may have
            # left an APIService, whose discovery must be answered.
            self._runner = await serve(self._tls, self._port, self._answers)
        if not self._leads():
            return False  # each replica's API server asks its own; one replica registers them all
        served = await self._answers.source.served()
        if served:
            await self._registration.register()
        elif served is False:
            await self._registration.unregister()
        return False
