"""A local port that leads to a port of a pod, each connection by a port-forward of its own.

`kubectl port-forward` carries all connections over one. When the pod's side closes one of them
first, as API servers before 1.30 do after an exec, container runtimes report what the client still
wrote as an error, and kubectl (1.23 and later) ends with all the others. That is no matter for
people, who start it again, but one for tests that do several things at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes import config
from kubernetes.client import Configuration

PROTOCOL = "v4.channel.k8s.io"
DATA = 0  # the channel; 1 is for errors. Both begin with the port's number, in two bytes
BLOCK = 1 << 16


class Tunnel:
    """Open from `open` to `close`; it serves from a thread of its own."""

    def __init__(self, kubeconfig: Path, namespace: str, pod: str, port: int) -> None:
        self.port = 0
        self._configuration: Any = Configuration()
        load: Any = config.load_kube_config  # not typed
        load(config_file=str(kubeconfig), client_configuration=self._configuration)
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
        self._url = self._configuration.host + path
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"tunnel {pod}", daemon=True)

    def open(self) -> Self:
        """Return once the port is there, whether or not the pod is."""
        self._thread.start()
        assert self._ready.wait(10.0), "no local port in 10 s"
        return self

    def close(self) -> None:
        """End it, and all its connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10.0)

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        tls = _tls(self._configuration)
        token = self._configuration.get_api_key_with_prefix("authorization")
        headers = {"Authorization": token} if token else {}
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as http:

            async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task
                carrying.add(task)
                try:
                    await self._carry(http, reader, writer)
                except (aiohttp.ClientError, OSError):
                    pass  # the client sees its connection end, as when the pod is not there
                finally:
                    carrying.discard(task)
                    writer.close()

            carrying: set[asyncio.Task[Any]] = set()
            server = await asyncio.start_server(carry, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._end.wait()
            server.close()
            for task in list(carrying):
                task.cancel()
            await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(
        self,
        http: aiohttp.ClientSession,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Carry one connection until either side ends it."""
        async with http.ws_connect(self._url, protocols=[PROTOCOL], max_msg_size=0) as remote:
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


def _tls(configuration: Any) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    return tls
