"""Keeps one tunnel open for as long as we run."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import aiohttp
import structlog

from syncer.kube import version as versions
from syncer.kubelet import CertificateError
from syncer.kubelet.certs import issue_client, now_utc
from syncer.kubelet.tls import CLIENT_CA, CLIENT_CA_KEY, load_pair
from syncer.tunnel.messages import BadMessage
from syncer.tunnel.session import Session

log = structlog.get_logger()
PING = 5.0  # k3s drops a tunnel 10 s after the last ping; data does not count
SILENCE = 15.0  # what it answers to pings comes at once
AGAIN = 1.0  # seconds until the next try: k3s restarts within a few
DIRECT = (1, 17, 4)
"""The first version that dials directly where there is no tunnel; 1.16 was never given that."""


class Lost(Exception):
    """The tunnel is not open, or no longer."""


_BROKEN = (Lost, BadMessage, aiohttp.ClientError, TimeoutError, OSError)


class Door(NamedTuple):
    """Where a tunnel is opened, and as which node."""

    url: str
    ca: bytes
    directory: Path
    """k3s' `server/tls`."""
    node: str


def needed(version: str) -> bool:
    """Tell whether a server of this version, such as `v1.16.13+k3s1`, needs a tunnel."""
    numbers = versions.parse(version)
    return numbers is not None and numbers < DIRECT


async def hold(door: Door, allowed: Callable[[int], bool]) -> None:
    """Keep the tunnel open until cancelled; `allowed` names the ports that may be dialed."""
    while True:
        try:
            await _once(door, allowed)
        except (Lost, CertificateError) as error:
            log.warning("kubelet tunnel failed", error=str(error))
        await asyncio.sleep(AGAIN)


async def _once(door: Door, allowed: Callable[[int], bool]) -> None:
    tls = await asyncio.to_thread(_context, door)
    url = door.url + "/v1-k3s/connect"
    wait = aiohttp.ClientWSTimeout(ws_receive=SILENCE)
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, ssl=tls, max_msg_size=0, timeout=wait) as socket,
        ):
            log.info("kubelet tunnel open", node=door.node)
            await _converse(socket, allowed)
    except _BROKEN as error:
        raise Lost(str(error) or type(error).__name__) from error
    except ExceptionGroup as group:
        if group.split(_BROKEN)[1] is not None:
            raise
        raise Lost(str(group.exceptions[0]) or type(group.exceptions[0]).__name__) from group


async def _converse(
    socket: aiohttp.ClientWebSocketResponse, allowed: Callable[[int], bool]
) -> None:
    """Pass messages on until the tunnel breaks, which ends its connections too."""
    pings = asyncio.create_task(_ping(socket))
    try:
        async with asyncio.TaskGroup() as tasks:
            session = Session(socket.send_bytes, allowed, tasks)
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    raise BadMessage(f"a frame of type {message.type.name}")
                await session.receive(message.data)
            raise Lost("k3s closed it")
    finally:
        pings.cancel()


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    with suppress(aiohttp.ClientError, OSError):  # whoever reads notices as well
        while True:
            await socket.ping()
            await asyncio.sleep(PING)


def _context(door: Door) -> ssl.SSLContext:
    """Return a context for a client that is the node."""
    try:
        ca, key = ((door.directory / name).read_bytes() for name in (CLIENT_CA, CLIENT_CA_KEY))
    except OSError as error:
        raise CertificateError(f"{error.filename} is not readable") from error
    certificate = issue_client(ca, key, f"system:node:{door.node}", "system:nodes", now_utc())
    context = ssl.create_default_context(cadata=door.ca.decode())
    load_pair(context, certificate.pem)
    return context
