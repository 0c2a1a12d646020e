"""HTTP that no API server speaks is refused, and a connection ends with its first error."""

from __future__ import annotations

import h11
import pytest

from tests.unit.kubelet_fakes import EXEC, Endpoint
from tests.unit.kubelet_host import read_head

TWO_LENGTHS = b"""\
POST /x HTTP/1.1\r
Host: a\r
Content-Length: 5\r
Transfer-Encoding: chunked\r
\r
0\r
\r
"""
pytestmark = pytest.mark.timeout(10)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n",
        TWO_LENGTHS,
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET /health\0z HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz\tx HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_malformed_http_gets_an_error_and_the_connection_ends(head: bytes) -> None:
    async with Endpoint() as endpoint:
        caller = await endpoint.call()
        await caller.raw(head + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await caller.reader.read()
        assert answer.split(b"\r\n", 1)[0].split()[1] in (b"400", b"501")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
)
async def test_request_body_is_refused(body: bytes) -> None:
    async with Endpoint() as endpoint:
        caller = await endpoint.call()
        await caller.raw(f"POST {EXEC} HTTP/1.1\r\nHost: a\r\n".encode() + body)
        assert (await caller.reader.read()).startswith(b"HTTP/1.1 413 ")
        assert not endpoint.host.calls


async def test_head_of_a_mebibyte_is_the_limit() -> None:
    async with Endpoint() as endpoint:
        caller = await endpoint.call()
        code, _ = await caller.ask("POST", EXEC + "&command=" + "x" * 900_000)
        assert code == 400  # the fake host's answer: it got there
        assert len(endpoint.host.calls[0].received.target) > 900_000
        caller = await endpoint.call()
        await caller.raw(b"GET /" + b"x" * 1_200_000)
        assert (await caller.reader.read()).startswith(b"HTTP/1.1 413 ")


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with Endpoint() as endpoint:
        caller = await endpoint.call()
        await caller.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        parser = h11.Connection(h11.CLIENT)
        for _ in range(2):
            parser.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
            parser.send(h11.EndOfMessage())
            head = await read_head(parser, caller.reader)
            assert head.status_code == 200
            while not isinstance(await read_head(parser, caller.reader), h11.EndOfMessage):
                pass
            parser.start_next_cycle()
