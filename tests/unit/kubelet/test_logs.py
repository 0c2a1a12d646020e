"""Logs over real TLS sockets, under both event loops."""

from __future__ import annotations

import asyncio
import os

import h11
import orjson
import pytest

from tests.unit.kubelet_fakes import LOGS, Endpoint, on_both_loops, until
from tests.unit.kubelet_host import HostCall, read_head

pytestmark = pytest.mark.timeout(20)
CHUNKED = h11.Response(status_code=200, headers=[("Transfer-Encoding", "chunked")])


@on_both_loops
async def test_log_is_handed_on_whole() -> None:
    text = os.urandom(4 * 1024 * 1024)

    async def log(call: HostCall) -> None:
        await call.status(200, text)

    async with Endpoint() as endpoint:
        endpoint.host.script = log
        code, body = await (await endpoint.call()).ask("GET", LOGS + "?tailLines=5")
        assert code == 200
        assert body == text
        received = endpoint.host.calls[0].received
        assert received.method == "GET"
        assert received.target.endswith("/web-x-default-x-vc/log?container=main&tailLines=5")


@on_both_loops
async def test_followed_line_arrives_before_the_next_is_written() -> None:
    more, done = asyncio.Event(), asyncio.Event()

    async def follow(call: HostCall) -> None:
        await call.send(CHUNKED, h11.Data(data=b"one\n"))
        await more.wait()
        await call.send(h11.Data(data=b"two\n"), h11.EndOfMessage())
        done.set()

    async with Endpoint() as endpoint:
        endpoint.host.script = follow
        caller = await endpoint.call()
        await caller.send("GET", LOGS + "?follow=true")
        assert (await read_head(caller.http, caller.reader)).status_code == 200
        assert (await read_head(caller.http, caller.reader)).data == b"one\n"
        more.set()
        assert (await read_head(caller.http, caller.reader)).data == b"two\n"
        assert isinstance(await read_head(caller.http, caller.reader), h11.EndOfMessage)
        # A finished log leaves the connection ready for the next request.
        caller.http.start_next_cycle()
        assert (await caller.ask("GET", "/healthz"))[0] == 200


@on_both_loops
async def test_client_that_leaves_a_followed_log_closes_the_upstream_at_once() -> None:
    async def follow(call: HostCall) -> None:
        await call.send(CHUNKED, h11.Data(data=b"one\n"))
        await call.reader.read()

    async with Endpoint() as endpoint:
        endpoint.host.script = follow
        caller = await endpoint.call()
        await caller.send("GET", LOGS + "?follow=true")
        await read_head(caller.http, caller.reader)
        await caller.close()
        async with asyncio.timeout(2):
            await endpoint.host.ended.wait()
        await until(lambda: not endpoint.server.streams)


@on_both_loops
async def test_client_that_leaves_before_the_first_line_closes_the_upstream_at_once() -> None:
    """A quiet container's log has no head yet: kubelets send it with the first line."""

    async def quiet(call: HostCall) -> None:
        await call.reader.read()

    async with Endpoint() as endpoint:
        endpoint.host.script = quiet
        caller = await endpoint.call()
        await caller.send("GET", LOGS + "?follow=true")
        await until(lambda: bool(endpoint.host.calls))
        await caller.close()
        async with asyncio.timeout(2):
            await endpoint.host.ended.wait()


@on_both_loops
async def test_log_cut_short_by_the_host_is_not_passed_off_as_whole() -> None:
    async def cut(call: HostCall) -> None:
        await call.send(CHUNKED, h11.Data(data=b"one\n"))

    async with Endpoint() as endpoint:
        endpoint.host.script = cut
        caller = await endpoint.call()
        with pytest.raises((h11.RemoteProtocolError, ConnectionError)):
            await caller.ask("GET", LOGS)


@on_both_loops
async def test_slow_reader_of_a_log_stops_the_host() -> None:
    sent = 0

    async def flood(call: HostCall) -> None:
        nonlocal sent
        await call.send(CHUNKED)
        while True:
            await call.send(h11.Data(data=b"x" * 65536))
            sent += 65536

    async with Endpoint() as endpoint:
        endpoint.host.script = flood
        caller = await endpoint.call()
        await caller.send("GET", LOGS + "?follow=true")
        last = -1
        while sent != last or not sent:
            last = sent
            await asyncio.sleep(0.3)
        assert sent < 32 * 1024 * 1024  # socket buffers of two connections and ours


@pytest.mark.parametrize(
    ("code", "message", "answered", "text"),
    [
        (400, 'container "main" in pod "web-x-default-x-vc" is waiting', 400, 'pod "web" is wait'),
        (404, 'pods "web-x-default-x-vc" not found', 404, 'pods "web" not found'),
        (403, 'User "u" cannot get resource "pods/log"', 500, '"get" "pods/log"'),
    ],
)
@on_both_loops
async def test_refused_log_is_plain_text(code: int, message: str, answered: int, text: str) -> None:
    async with Endpoint() as endpoint:

        async def refuse(call: HostCall) -> None:
            await call.status(code, orjson.dumps({"kind": "Status", "message": message}))

        endpoint.host.script = refuse
        got, body = await (await endpoint.call()).ask("GET", LOGS)
        assert got == answered
        assert text in body.decode()
