"""A local port that leads to a port of a pod, each connection by a port-forward of its own.

`kubectl port-forward` carries all connections over one. When the pod's side closes one of them
first, as API servers before 1.30 do after an exec, container runtimes report what the client still
wrote as an error, and kubectl (1.23 and later) ends with all the others. That is no matter for
people, who start it again, but one for tests that do several things at once.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes import config
from kubernetes.client import Configuration

from virtualcluster_cli.api import authorization
from virtualcluster_cli.websockets import PROTOCOL, tls

DATA = 0  # the channel; 1 is for errors. Both begin with the port's number, in two bytes
BLOCK = 1 << 16
CLOSING = aiohttp.ClientWSTimeout(ws_close=1.0)  # nothing is carried any more: nobody waits for it


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all tunnels; it runs until the tests end, since TLS takes leave slowly."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="tunnels", daemon=True).start()
    return loop


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(10.0)


class Tunnel:
    """Open from `open` to `close`, whether or not the pod is there."""

    def __init__(self, kubeconfig: Path, namespace: str, pod: str, port: int) -> None:
        self.port = 0
        self._configuration: Any = Configuration()
        load: Any = config.load_kube_config  # not typed
        load(config_file=str(kubeconfig), client_configuration=self._configuration)
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
        self._url = self._configuration.host + path
        self._carrying: set[asyncio.Task[Any]] = set()

    def open(self) -> Self:
        """Return once the port is there."""
        _run(self._open())
        return self

    def close(self) -> None:
        """End it, and all its connections."""
        _run(self._close())

    async def _open(self) -> None:
        headers = authorization(self._configuration)
        connector = aiohttp.TCPConnector(ssl=tls(self._configuration), limit=0)
        self._http = aiohttp.ClientSession(connector=connector, headers=headers)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        await self._http.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._carrying.add(task)
        try:
            await self._carry(reader, writer)
        except (aiohttp.ClientError, OSError, asyncio.CancelledError):
            pass  # the client sees its connection end, as when the pod is not there
        finally:
            self._carrying.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        wanted: Any = {"protocols": [PROTOCOL], "max_msg_size": 0, "timeout": CLOSING}
        async with self._http.ws_connect(self._url, **wanted) as remote:
            ways = [
                asyncio.create_task(_up(reader, remote)),
                asyncio.create_task(_down(remote, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)


async def _up(reader: asyncio.StreamReader, remote: aiohttp.ClientWebSocketResponse) -> None:
    while block := await reader.read(BLOCK):
        await remote.send_bytes(bytes((DATA,)) + block)


async def _down(remote: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
    begun: set[int] = set()
    async for message in remote:
        if message.type != aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel = message.data[0]
        if channel not in begun:  # the port's number
            begun.add(channel)
        elif channel == DATA:
            writer.write(message.data[1:])
            await writer.drain()
