"""One HTTP/1.1 connection from the virtual cluster's API server, over h11.

h11 knows the protocol, this class moves the bytes. Refused beyond h11's own rules: HTTP/1.0, a
Content-Length beside a Transfer-Encoding, and every body, since no kubelet request here has one.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import NamedTuple

import h11

from syncer.kubelet.errors import BadRequest, ClientGone, TooLarge
from syncer.kubelet.limits import MAX_EARLY, MAX_HEAD, Limits
from syncer.kubelet.tls_stream import TlsStream
from syncer.kubelet.types import Headers

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Inbound(NamedTuple):
    """A received request head; a body, if there was one, has been refused already."""

    method: str
    target: str
    headers: Headers


class Downstream:
    """The server's end of a connection; raises ClientGone when the other end has left."""

    def __init__(self, stream: TlsStream, limits: Limits) -> None:
        self.stream = stream
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._early = 0

    async def next_request(self) -> Inbound | None:
        """Return the next request; None when the client is done or said nothing for too long.

        Raises BadRequest or TooLarge; the answer to those must be the last.
        """
        try:
            async with asyncio.timeout(self._limits.idle) as deadline:
                return await self._receive(deadline)
        except (TimeoutError, OSError):
            return None
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                raise TooLarge("the request head is too large") from error
            raise BadRequest("malformed HTTP request") from error

    async def _receive(self, deadline: asyncio.Timeout) -> Inbound | None:
        head: h11.Request | None = None
        started = False
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self.stream.read())
                if not started:
                    started = True
                    deadline.reschedule(asyncio.get_running_loop().time() + self._limits.head)
            elif isinstance(event, h11.Request):
                head = event
                _check(event)
            elif isinstance(event, h11.Data):
                raise TooLarge("requests with a body are not served")
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Inbound(head.method.decode(), head.target.decode(), head.headers.raw_items())
            else:  # ConnectionClosed
                return None

    async def gone(self) -> None:
        """Return when the client has closed; what it sends meanwhile is kept, up to a bound."""
        while self._early < MAX_EARLY:
            try:
                data = await self.stream.read()
            except OSError:
                return
            if not data:
                return
            self._early += len(data)
            self._http.receive_data(data)
        await asyncio.get_running_loop().create_future()

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response."""
        await self.start(status, [*headers, (b"Content-Length", str(len(body)).encode())])
        await self.data(body)
        await self.end()

    async def start(self, status: int, headers: Headers) -> None:
        """Send a response's head; without a Content-Length the body goes out in chunks."""
        reason = _REASONS.get(status, b"")
        await self._send(h11.Response(status_code=status, headers=headers, reason=reason))

    async def data(self, chunk: bytes) -> None:
        """Send a piece of the body and wait until the client keeps up."""
        await self._send(h11.Data(data=chunk))

    async def end(self) -> None:
        """Send the body's end."""
        await self._send(h11.EndOfMessage())

    async def switch(self, headers: Headers) -> bytes:
        """Send a 101 and return what the client has sent beyond its request already."""
        await self._send(
            h11.InformationalResponse(
                status_code=HTTPStatus.SWITCHING_PROTOCOLS,
                headers=headers,
                reason=_REASONS[HTTPStatus.SWITCHING_PROTOCOLS],
            )
        )
        return self._http.trailing_data[0]

    def answerable(self) -> bool:
        """Say whether a response can still be sent, i.e. none has begun."""
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def next_cycle(self) -> bool:
        """Prepare for another request; False when this connection is used up."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._early = 0
        return True

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        try:
            if data:
                await self.stream.write(data)
        except OSError as error:
            raise ClientGone from error


def _check(head: h11.Request) -> None:
    if head.http_version != b"1.1":
        raise BadRequest("only version 1.1 of HTTP is served")
    names = {name for name, _ in head.headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise BadRequest("Content-Length and Transfer-Encoding exclude each other")
