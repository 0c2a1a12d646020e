"""What the fake servers have in common: real HTTP on loopback, and a client that reaches it."""

from __future__ import annotations

import asyncio
import ssl
import time

from aiohttp import web

from syncer.kube.client import Client
from syncer.kube.ratelimit import Bucket


class FakeAccess:
    """How a client reaches a fake: plain HTTP on loopback."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def headers(self) -> dict[str, str]:
        return {"Authorization": "Bearer test"}


async def start(
    app: web.Application, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, str]:
    """Serve on a free port; return what `stop` ends, and the URL."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    host, port = runner.addresses[0][:2]
    return runner, f"{'https' if tls else 'http'}://{host}:{port}"


async def stop(runner: web.AppRunner) -> None:
    """End it with all connections; in TLS a close would wait for the other side's, for 30 s."""
    connections = runner.server.connections if runner.server else []
    transports = [each.transport for each in connections]
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)  # the loop closes what was aborted, and may end afterwards


def client(side: str, url: str, *, inactivity: float = 5.0) -> Client:
    """Return a client that no bucket slows down."""
    bucket = Bucket(10_000.0, 10_000, time.monotonic)
    return Client(side, FakeAccess(url), bucket, inactivity=inactivity)
