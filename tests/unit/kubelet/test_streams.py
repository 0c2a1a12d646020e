"""Upgraded streams over real TLS sockets, under both event loops."""

from __future__ import annotations

import asyncio
import hashlib
import os

import orjson
import pytest

from syncer.kubelet import Limits
from tests.unit.kubelet_fakes import (
    EXEC,
    LOGS,
    SPDY,
    WEBSOCKET,
    Caller,
    Endpoint,
    on_both_loops,
    until,
)
from tests.unit.kubelet_host import HostCall

pytestmark = pytest.mark.timeout(20)
MEGABYTES_4 = os.urandom(4 * 1024 * 1024)
DIGEST = hashlib.sha256(MEGABYTES_4).hexdigest()


async def read_exactly(peer: Caller | HostCall, size: int) -> str:
    return hashlib.sha256(await peer.reader.readexactly(size)).hexdigest()


@pytest.mark.parametrize(
    ("method", "upgrade", "protocol"), [("POST", SPDY, "SPDY/3.1"), ("GET", WEBSOCKET, "websocket")]
)
@on_both_loops
async def test_upgrade_carries_four_megabytes_each_way(
    method: str, upgrade: tuple[tuple[str, str], ...], protocol: str
) -> None:
    async def both(call: HostCall) -> None:
        await call.switch(protocol, X_Stream_Protocol_Version="v4.channel.k8s.io", Audit_Id="1")
        digest = await asyncio.gather(read_exactly(call, len(MEGABYTES_4)), call.raw(MEGABYTES_4))
        await call.raw(digest[0].encode())

    async with Endpoint() as endpoint:
        endpoint.host.script = both
        caller = await endpoint.call()
        await caller.send(method, EXEC, *upgrade)
        headers, _ = await caller.upgraded()
        assert headers == {
            "connection": "Upgrade",
            "upgrade": protocol,
            "x-stream-protocol-version": "v4.channel.k8s.io",
        }
        rest = caller.http.trailing_data[0]
        _, got = await asyncio.gather(
            caller.raw(MEGABYTES_4), caller.reader.readexactly(len(MEGABYTES_4) - len(rest))
        )
        assert hashlib.sha256(rest + got).hexdigest() == DIGEST
        assert (await caller.reader.read()).decode() == DIGEST
        assert endpoint.host.calls[0].received.method == method


@on_both_loops
async def test_bytes_that_come_with_the_101_or_with_the_request_are_not_lost() -> None:
    async def early(call: HostCall) -> None:
        await call.switch("SPDY/3.1", then=b"early from the host")
        await call.raw(b"|" + await call.reader.readexactly(21))

    async with Endpoint() as endpoint:
        endpoint.host.script = early
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY, then=b"early from the client")
        _, first = await caller.upgraded()
        assert first + await caller.reader.read() == b"early from the host|early from the client"


@on_both_loops
async def test_client_that_leaves_mid_stream_closes_the_upstream() -> None:
    async def wait(call: HostCall) -> None:
        await call.switch("SPDY/3.1")
        assert await call.reader.read() == b"bye"

    async with Endpoint() as endpoint:
        endpoint.host.script = wait
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY)
        await caller.upgraded()
        await caller.raw(b"bye")
        await caller.close()
        async with asyncio.timeout(2):
            await endpoint.host.ended.wait()
        await until(lambda: not endpoint.server.streams)


@on_both_loops
async def test_client_that_is_cut_off_closes_the_upstream() -> None:
    async def talk(call: HostCall) -> None:
        await call.switch("SPDY/3.1")
        while True:
            await call.raw(b"x" * 1024)
            await asyncio.sleep(0.01)

    async with Endpoint() as endpoint:
        endpoint.host.script = talk
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY)
        await caller.upgraded()
        caller.writer.transport.abort()
        async with asyncio.timeout(2):
            await endpoint.host.ended.wait()


@on_both_loops
async def test_host_that_closes_ends_the_stream() -> None:
    async def close(call: HostCall) -> None:
        await call.switch("SPDY/3.1", then=b"done")

    async with Endpoint() as endpoint:
        endpoint.host.script = close
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY)
        _, first = await caller.upgraded()
        assert first + await caller.reader.read() == b"done"
        await until(lambda: not endpoint.server.streams)


@on_both_loops
async def test_stalled_client_stops_the_host_and_a_stalled_host_the_client() -> None:
    async def flood(call: HostCall) -> None:
        await call.switch("SPDY/3.1")
        while True:
            await call.raw(b"x" * 65536)

    async with Endpoint(Limits(flush=0.5)) as endpoint:
        endpoint.host.script = flood
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY)
        await caller.upgraded()
        sent = 0

        async def push() -> None:
            nonlocal sent
            while True:
                await caller.raw(b"y" * 65536)
                sent += 65536

        pushing = asyncio.create_task(push())
        last = -1
        while sent != last or not sent:
            last = sent
            await asyncio.sleep(0.3)
        assert sent < 32 * 1024 * 1024
        pushing.cancel()
        caller.writer.transport.abort()
        async with asyncio.timeout(5):
            await endpoint.host.ended.wait()


@pytest.mark.parametrize(
    ("code", "body", "answered", "text"),
    [
        (400, b'{"kind":"Status","message":"Upgrade request required"}', 400, b"Upgrade request"),
        (403, b'{"message":"cannot create resource \\"pods/exec\\""}', 500, b"may not"),
        (200, b"welcome", 502, b"answered 200"),
        (301, b"", 502, b"never followed"),
        (503, b"x" * 3_000_000, 503, b"xxx"),
    ],
)
@on_both_loops
async def test_anything_but_101_is_an_answer_and_the_last_one(
    code: int, body: bytes, answered: int, text: bytes
) -> None:
    """A second request smuggled behind the upgrade must not be served (CVE-2018-1002105)."""

    async def refuse(call: HostCall) -> None:
        await call.status(code, body, Location="/api/v1/secrets")
        await call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

    async with Endpoint() as endpoint:
        endpoint.host.script = refuse
        caller = await endpoint.call()
        smuggled = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        await caller.send("POST", EXEC, *SPDY, then=smuggled)
        got, answer = await caller.answer()
        assert got == answered
        assert text in answer
        assert len(answer) < 20_000
        assert caller.http.trailing_data[0] + await caller.reader.read() == b""
        assert len(endpoint.host.calls) == 1
        assert b"secret" not in answer


@on_both_loops
async def test_switch_to_another_protocol_is_refused() -> None:
    async def other(call: HostCall) -> None:
        await call.switch("websocket")

    async with Endpoint() as endpoint:
        endpoint.host.script = other
        assert (await (await endpoint.call()).ask("POST", EXEC, *SPDY))[0] == 502


@on_both_loops
async def test_exec_without_upgrade_gets_the_refusal_of_the_host() -> None:
    async with Endpoint() as endpoint:
        code, body = await (await endpoint.call()).ask("POST", EXEC)
        assert code == 400
        assert orjson.loads(body)["message"] == "Upgrade request required"
        assert endpoint.host.calls[0].received.all("upgrade") == []


@on_both_loops
async def test_upgrade_to_h2c_is_refused_before_the_host() -> None:
    async with Endpoint() as endpoint:
        headers = (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"))
        for target in (EXEC, LOGS, "/healthz"):
            assert (await (await endpoint.call()).ask("GET", target, *headers))[0] == 400
        assert not endpoint.host.calls


@on_both_loops
async def test_log_with_an_upgrade_is_refused_before_the_host() -> None:
    async with Endpoint() as endpoint:
        assert (await (await endpoint.call()).ask("GET", LOGS, *WEBSOCKET))[0] == 400
        assert not endpoint.host.calls


@on_both_loops
async def test_early_bytes_are_bounded() -> None:
    """A client that floods before the 101 is held back, not buffered."""
    go = asyncio.Event()
    sent = 0

    async def late(call: HostCall) -> None:
        await go.wait()
        await call.switch("SPDY/3.1")
        await call.raw((await read_exactly(call, len(MEGABYTES_4) * 8)).encode())

    async with Endpoint() as endpoint:
        endpoint.host.script = late
        caller = await endpoint.call()
        await caller.send("POST", EXEC, *SPDY)

        async def flood() -> None:
            nonlocal sent
            for start in range(0, len(MEGABYTES_4) * 8, 65536):
                begin = start % len(MEGABYTES_4)
                await caller.raw(MEGABYTES_4[begin : begin + 65536])
                sent += 65536

        flooding = asyncio.create_task(flood())
        last = -1
        while sent != last or not sent:
            last = sent
            await asyncio.sleep(0.3)
        assert sent < 24 * 1024 * 1024  # socket buffers and ours
        go.set()
        _, first = await caller.upgraded()
        await flooding
        whole = hashlib.sha256(MEGABYTES_4 * 8).hexdigest()
        assert (first + await caller.reader.readexactly(64)).decode() == whole


@on_both_loops
async def test_stream_on_which_nothing_moves_is_ended_and_a_lively_one_is_not() -> None:
    async def ping(call: HostCall) -> None:
        await call.switch("SPDY/3.1")
        while True:
            await asyncio.sleep(0.2)
            await call.raw(b"ping")

    async def silent(call: HostCall) -> None:
        await call.switch("SPDY/3.1")
        await call.reader.read()

    async with Endpoint(Limits(stall=0.6, flush=1)) as endpoint:
        for script, lasts in ((ping, True), (silent, False)):
            endpoint.host.script = script
            caller = await endpoint.call()
            await caller.send("POST", EXEC, *SPDY)
            await caller.upgraded()
            await asyncio.sleep(1.5)
            assert bool(endpoint.server.streams) is lasts
            await caller.close()
            await until(lambda: not endpoint.server.streams)
