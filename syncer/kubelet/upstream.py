"""One request to the host API on a connection of its own, over h11.

Never a second request on the same connection: what a confused server leaves on it cannot become the
answer to somebody else (threats.md G5).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import NamedTuple, Self

import h11

from syncer.kubelet.errors import HostTimeout, HostUnavailable
from syncer.kubelet.headers import Upgrade, host_request
from syncer.kubelet.limits import Limits
from syncer.kubelet.tls_stream import TlsStream
from syncer.kubelet.types import Headers, HostApi

_END = h11.EndOfMessage()


class HostAnswer(NamedTuple):
    """The head of the host's answer, a 101 included."""

    status: int
    headers: Headers


class Upstream:
    """A connection to the host API that ends with its `async with`, whatever happens.

    Raises HostUnavailable and HostTimeout, nothing else.
    """

    stream: TlsStream

    def __init__(self, host_api: HostApi, limits: Limits) -> None:
        self._api = host_api
        self._limits = limits
        self._http = h11.Connection(h11.CLIENT)
        self._connected = False

    async def __aenter__(self) -> Self:
        """Promise no side effects: `request` connects."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close at once; whoever wants buffered bytes delivered has flushed them before."""
        if self._connected:
            await self.stream.aclose()

    async def request(self, method: str, target: str, upgrade: Upgrade | None) -> HostAnswer:
        """Connect, send the request, and return the head of the answer, however long it takes.

        A quiet container's log stream has no head before its first line, so only the caller knows a
        limit.
        """
        await self._connect()
        with _failures():
            authority = _authority(self._api.host, self._api.port)
            headers = host_request(authority, await self._api.bearer(), upgrade)
            head = h11.Request(method=method, target=target, headers=headers)
            data = (self._http.send(head) or b"") + (self._http.send(_END) or b"")
            await self.stream.write(data)
            while True:
                match await self._next():
                    case h11.Response(status_code=status, headers=received):
                        return HostAnswer(status, received.raw_items())
                    case h11.InformationalResponse(
                        status_code=HTTPStatus.SWITCHING_PROTOCOLS, headers=received
                    ):
                        return HostAnswer(HTTPStatus.SWITCHING_PROTOCOLS, received.raw_items())
                    case h11.InformationalResponse():
                        continue  # 100 and 103 precede the answer
                    case _:
                        raise HostUnavailable("the host API closed the connection")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; one that is cut short raises HostUnavailable."""
        while True:
            with _failures():
                event = await self._next()
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)

    async def text(self, limit: int) -> bytes:
        """Return the body, cut at about this many bytes."""
        parts: list[bytes] = []
        async for chunk in self.body():
            parts.append(chunk)
            limit -= len(chunk)
            if limit <= 0:
                break
        return b"".join(parts)

    def trailing(self) -> bytes:
        """Return what arrived together with a 101."""
        return self._http.trailing_data[0]

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._limits.host_connect):
                self.stream = await TlsStream.connect(self._api.host, self._api.port, self._api.tls)
        except TimeoutError as error:
            raise HostTimeout("the host API did not accept a connection in time") from error
        except OSError as error:
            raise HostUnavailable("the host API cannot be reached") from error
        self._connected = True

    async def _next(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self.stream.read())
        return event


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn what sockets and h11 raise into the endpoint's own errors."""
    try:
        yield
    except OSError as error:
        raise HostUnavailable("the connection to the host API broke") from error
    except h11.RemoteProtocolError as error:
        raise HostUnavailable("the host API's answer is not valid HTTP") from error
