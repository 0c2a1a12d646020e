"""Runs a command in a container of the host, as `kubectl exec` does; what it says may be long."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple
from urllib.parse import urlencode

import aiohttp

from virtualcluster_cli import websockets
from virtualcluster_cli.access import Access
from virtualcluster_cli.api import settings
from virtualcluster_cli.errors import NoAnswer, NoRight, NotFound, Trouble

STDIN, STDOUT, STDERR, STATUS = range(4)  # channels
BLOCK = 1 << 16
LAST_WORDS = 1 << 14  # bytes of standard error that are kept


class Place(NamedTuple):
    """A container of a pod."""

    namespace: str
    pod: str
    container: str


class Ended(NamedTuple):
    """How it ended, and what it said on standard error."""

    code: int
    said: str

    @property
    def why(self) -> str:
        """Return the error that it logged last, or its last line."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        for line in reversed(lines):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                return str(json.loads(line)["error"])
        return lines[-1] if lines else f"exit code {self.code}"


def execute(
    access: Access,
    place: Place,
    command: Sequence[str],
    *,
    send: IO[bytes] | None = None,
    take: Callable[[bytes], object] = lambda _block: None,
) -> Ended:
    """Run it to its end, or raise Trouble when how it ended is not known.

    Its standard input stays open after all has been sent: the protocol cannot close it.
    """
    return asyncio.run(_execute(access, place, command, send, take))


async def _execute(
    access: Access,
    place: Place,
    command: Sequence[str],
    send: IO[bytes] | None,
    take: Callable[[bytes], object],
) -> Ended:
    wanted = [("container", place.container), ("stdout", "true"), ("stderr", "true")]
    wanted += [("stdin", "true")] if send is not None else []
    query = urlencode([*wanted, *(("command", each) for each in command)])
    path = f"/api/v1/namespaces/{place.namespace}/pods/{place.pod}/exec?{query}"
    url, options = websockets.request(settings(access), path)
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, **options) as remote,
        ):
            sending = asyncio.create_task(_send(remote, send))
            try:
                return await _receive(remote, take)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
    except aiohttp.WSServerHandshakeError as refused:
        raise _refusal(refused.status, place) from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(
            f"the connection to {place.pod} of the host cluster broke ({error})", "try again"
        ) from None


async def _send(remote: aiohttp.ClientWebSocketResponse, content: IO[bytes] | None) -> None:
    while content is not None and (block := content.read(BLOCK)):
        await remote.send_bytes(bytes((STDIN,)) + block)


async def _receive(
    remote: aiohttp.ClientWebSocketResponse, take: Callable[[bytes], object]
) -> Ended:
    said = b""
    async for message in remote:
        if message.type != aiohttp.WSMsgType.BINARY or len(message.data) <= 1:
            continue  # an empty one opens a channel
        channel, data = message.data[0], message.data[1:]
        if channel == STDOUT:
            take(data)
        elif channel == STDERR:
            said = (said + data)[-LAST_WORDS:]
        elif channel == STATUS:
            return Ended(_code(json.loads(data)), said.decode(errors="replace"))
    raise NoAnswer("the connection to the host cluster was closed", "try again")


def _code(status: dict[str, Any]) -> int:
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise Trouble(f"the command could not be run ({status.get('message', 'no reason given')})")


def _refusal(status: int, place: Place) -> Trouble:
    if status in (401, 403):
        return NoRight(
            f"you are not allowed to run commands in pods of namespace {place.namespace}",
            f"ask the host's administrator for get and create of pods/exec in namespace"
            f" {place.namespace}",
        )
    if status == 404:  # noqa: PLR2004
        return NotFound(f"pod {place.pod} does not exist any more", "try again when it exists")
    return Trouble(
        f"no command can be run in container {place.container} of {place.pod} (answer {status})",
        f"see: kubectl describe pod {place.pod} -n {place.namespace}",
    )
