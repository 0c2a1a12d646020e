"""`exec` of a fake host: the command is a program of this machine, its streams the channels."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable

from aiohttp import WSMsgType, web

STDOUT, STDERR, STATUS = 1, 2, 3
Runs = Callable[[list[str]], list[str]]


class Cut(Exception):
    """The connection broke, as the test wanted it to."""


async def run_command(request: web.Request, runs: Runs | None, cut: int) -> web.StreamResponse:
    """Serve one exec; after `cut` bytes of output the connection is gone, unless that is 0."""
    if runs is None:
        return web.json_response({"message": "container not found"}, status=404)
    remote = web.WebSocketResponse(protocols=["v4.channel.k8s.io"], max_msg_size=0)
    await remote.prepare(request)
    await remote.send_bytes(bytes((STDOUT,)))  # as kubelets say that the channels are open
    with contextlib.suppress(Cut, ConnectionError):
        async with _program(runs(request.query.getall("command")), request) as process:
            await _carry(remote, process, cut)
            await remote.send_bytes(bytes((STATUS,)) + json.dumps(await _status(process)).encode())
            await remote.close()
            return remote
    if request.transport is not None:
        request.transport.abort()
    return remote


@contextlib.asynccontextmanager
async def _program(argv: list[str], request: web.Request) -> AsyncIterator[Process]:
    """Run a program; it and all that it started is gone afterwards."""
    stdin = PIPE if "stdin" in request.query else DEVNULL
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=stdin, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def _carry(remote: web.WebSocketResponse, process: Process, cut: int) -> None:
    """Carry all channels until the program has said all."""
    up = asyncio.create_task(_up(remote, process))
    down = [
        asyncio.create_task(_down(remote, STDOUT, process.stdout, cut)),
        asyncio.create_task(_down(remote, STDERR, process.stderr, 0)),
    ]
    try:
        await asyncio.gather(*down)
    finally:
        for each in (up, *down):
            each.cancel()
        await asyncio.gather(up, *down, return_exceptions=True)


async def _up(remote: web.WebSocketResponse, process: Process) -> None:
    async for message in remote:
        if message.type == WSMsgType.BINARY and process.stdin is not None:
            with contextlib.suppress(ConnectionError):  # it reads no more
                process.stdin.write(message.data[1:])
                await process.stdin.drain()


async def _down(
    remote: web.WebSocketResponse, channel: int, stream: asyncio.StreamReader | None, cut: int
) -> None:
    sent = 0
    while stream is not None and (block := await stream.read(4096)):
        sent += len(block)
        if cut and sent > cut:
            raise Cut
        await remote.send_bytes(bytes((channel,)) + block)


async def _status(process: Process) -> dict[str, object]:
    """Return how the API server says that a command ended."""
    code = await process.wait()
    if code == 0:
        return {"status": "Success"}
    cause = {"reason": "ExitCode", "message": str(code)}
    return {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
