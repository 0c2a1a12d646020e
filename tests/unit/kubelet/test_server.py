"""The endpoint over real TLS sockets: who may speak, what is refused, what reaches the host."""

from __future__ import annotations

import asyncio
import ssl

import h11
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kubelet import Limits
from tests.unit.kubelet_fakes import (
    EXEC,
    HOST_POD,
    LOGS,
    SPDY,
    WEBSOCKET,
    Caller,
    Endpoint,
    until,
)
from tests.unit.kubelet_host import HostCall
from tests.unit.kubelet_pki import make_ca, make_client, make_leaf, write_api_server

pytestmark = pytest.mark.timeout(10)
QUICK = Limits(
    streams=2, spare_connections=3, handshake=1.0, head=1.0, idle=1.5, host_connect=1.0,
    host_answer=1.0, flush=0.5,
)  # fmt: skip


async def test_health_is_ok_and_the_connection_is_kept() -> None:
    async with Endpoint() as endpoint:
        caller = await endpoint.call()
        assert await caller.ask("GET", "/healthz") == (200, b"ok")
        caller.http.start_next_cycle()
        assert await caller.ask("GET", "/healthz") == (200, b"ok")


async def test_no_certificate_ends_in_the_handshake() -> None:
    async with Endpoint() as endpoint:
        with pytest.raises(OSError):  # noqa: PT011 (an alert or a reset, as the loops differ)
            await endpoint.call(anonymous=True)
        assert not endpoint.host.calls


async def test_certificate_of_another_ca_ends_in_the_handshake() -> None:
    async with Endpoint() as endpoint:
        with pytest.raises(OSError):  # noqa: PT011 (an alert or a reset, as the loops differ)
            await endpoint.call(make_client(make_ca("k3s-client-ca")))
        assert not endpoint.host.calls


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        # What the API server itself is called in some version: a tenant can have these signed.
        ("kube-apiserver", []),
        ("system:apiserver", ["system:masters"]),
        ("kube-apiserver", ["system:masters"]),
        ("system:apiserver", []),
        ("system:admin", ["system:masters"]),
        ("system:node:node-a", ["system:nodes"]),
    ],
)
async def test_other_key_of_the_same_ca_is_forbidden_everything(
    name: str, groups: list[str]
) -> None:
    async with Endpoint() as endpoint:
        other = make_leaf(endpoint.client_ca, [name], groups, ExtendedKeyUsageOID.CLIENT_AUTH)
        for target in ("/healthz", LOGS, EXEC):
            caller = await endpoint.call(other)
            code, body = await caller.ask("GET", target)
            assert code == 403
            assert b"not the API server's" in body
        assert not endpoint.host.calls
        assert not endpoint.lookup.asked


async def test_api_server_that_was_made_anew_is_known_without_a_restart_the_old_one_no_more() -> (
    None
):
    async with Endpoint() as endpoint:
        old = endpoint.api_server
        assert await (await endpoint.call(old)).ask("GET", "/healthz") == (200, b"ok")
        new = write_api_server(endpoint.tls_dir, endpoint.client_ca, "system:apiserver")
        assert await (await endpoint.call(new)).ask("GET", "/healthz") == (200, b"ok")
        assert (await (await endpoint.call(old)).ask("GET", "/healthz"))[0] == 403


async def test_old_tls_and_http2_are_not_spoken() -> None:
    async with Endpoint() as endpoint:
        context = ssl.create_default_context(cadata=endpoint.server_ca.cert_pem.decode())
        context.set_alpn_protocols(["h2", "http/1.1"])
        caller = await endpoint.call()
        assert caller.writer.get_extra_info("ssl_object").version() in ("TLSv1.2", "TLSv1.3")
        await caller.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert (await caller.reader.read(100)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "target", "code", "text"),
    [
        ("GET", "/containerLogs/default/nope/main", 404, b'pod "nope"'),
        ("GET", "/containerLogs/kube-system/web/main", 404, b'pod "web"'),
        # The host's own names mean nothing here (G1).
        ("GET", "/containerLogs/team-x/web-x-default-x-vc/main", 404, b"no containers"),
        ("GET", "/containerLogs/team-x/virtualcluster-0/syncer", 404, b"no containers"),
        # A sidecar that the host injected is not in the virtual spec (G4).
        ("GET", "/containerLogs/default/web/istio-proxy", 404, b'container \\"istio'),
        ("POST", "/exec/default/web/istio-proxy?command=sh&output=1", 404, b"istio-proxy"),
        ("POST", f"/exec/default/web/{HOST_POD.host_uid}/main?command=sh&output=1", 404, b"UID"),
        ("POST", "/attach/default/web/other-uid/main?output=1", 404, b"UID"),
        ("POST", "/portForward/default/web/other-uid", 404, b"UID"),
        ("GET", LOGS + "?insecureSkipTLSVerifyBackend=true", 400, b"unknown query"),
        ("GET", "/containerLogs/default/web%2f..%2fx/main", 400, b"pod name"),
        ("GET", "/metrics/resource", 404, b"resource usage"),
        ("DELETE", EXEC, 405, b"GET and POST"),
    ],
)
async def test_wrong_request_never_reaches_the_host(
    method: str, target: str, code: int, text: bytes
) -> None:
    async with Endpoint() as endpoint:
        answered, body = await (await endpoint.call()).ask(method, target)
        assert answered == code
        assert text.replace(b"\\", b"") in body.replace(b"\\", b"")
        assert not endpoint.host.calls


async def test_uid_of_the_virtual_pod_is_accepted() -> None:
    async with Endpoint() as endpoint:
        target = f"/exec/default/web/{HOST_POD.virt_uid}/main?command=sh&output=1"
        await (await endpoint.call()).ask("POST", target)
        assert endpoint.host.calls[0].received.target == (
            "/api/v1/namespaces/team-x/pods/web-x-default-x-vc/exec"
            "?container=main&command=sh&stdout=true"
        )


async def test_slow_request_is_dropped_long_before_an_idle_connection() -> None:
    async with Endpoint(QUICK._replace(head=0.5, idle=3.0)) as endpoint:
        idle, slow = await endpoint.call(), await endpoint.call()
        await slow.raw(b"GET /healthz HT")
        assert await slow.reader.read() == b""
        assert (await idle.ask("GET", "/healthz"))[0] == 200
        assert await idle.reader.read() == b""


async def test_connection_without_handshake_is_dropped() -> None:
    async with Endpoint(QUICK) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        assert await reader.read() == b""
        writer.close()


async def test_connections_beyond_the_cap_are_closed_at_once() -> None:
    async with Endpoint(QUICK._replace(handshake=5.0)) as endpoint:
        held = [await asyncio.open_connection("127.0.0.1", endpoint.port) for _ in range(5)]
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        for _, other in [*held, (reader, writer)]:
            other.close()


async def test_one_stream_too_many_gets_503_and_a_freed_one_is_reused() -> None:
    async with Endpoint(QUICK._replace(idle=5.0)) as endpoint:
        endpoint.host.script = echo
        callers = [await opened(endpoint) for _ in range(2)]
        assert endpoint.server.streams == 2
        code, body = await (await endpoint.call()).ask("POST", EXEC, *SPDY)
        assert code == 503
        assert b"ServiceUnavailable" in body
        await callers[0].close()
        await until(lambda: endpoint.server.streams == 1)
        await opened(endpoint)


async def echo(call: HostCall) -> None:
    await call.switch("SPDY/3.1")
    while data := await call.reader.read(65536):
        await call.raw(data)


async def opened(endpoint: Endpoint) -> Caller:
    caller = await endpoint.call()
    await caller.send("POST", EXEC, *SPDY)
    await caller.upgraded()
    return caller


async def test_closing_a_port_ends_its_streams_and_frees_it() -> None:
    async with Endpoint() as endpoint:
        endpoint.host.script = echo
        caller = await opened(endpoint)
        second = await endpoint.server.listen(0, "node-b")
        await endpoint.server.close(endpoint.port)
        assert await caller.reader.read() == b""
        assert endpoint.server.streams == 0
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", endpoint.port)
        await endpoint.server.listen(endpoint.port, "node-a")
        await endpoint.server.close(second)
        await endpoint.server.close(1)
        caller = await endpoint.call()
        assert (await caller.ask("GET", "/healthz"))[0] == 200


async def test_taken_port_is_an_error() -> None:
    async with Endpoint() as endpoint:
        with pytest.raises(OSError, match="in use"):
            await endpoint.server.listen(endpoint.port, "node-b")


async def test_identity_headers_and_host_of_the_client_never_reach_the_host() -> None:
    hostile = (
        ("Authorization", "Bearer tenant"),
        ("Impersonate-User", "system:admin"),
        ("X-Remote-User", "system:admin"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Cookie", "a=b"),
    )
    async with Endpoint() as endpoint:
        requests = ((LOGS, ()), (EXEC, SPDY), (EXEC, WEBSOCKET), (EXEC, ()))
        for target, upgrade in requests:
            await (await endpoint.call()).ask("GET", target, *hostile, *upgrade)
        assert len(endpoint.host.calls) == 4
        for number, call in enumerate(endpoint.host.calls, 1):
            assert call.received.all("authorization") == [f"Bearer syncer-token-{number}"]
            assert call.received.all("host") == [f"localhost:{endpoint.api.port}"]
            names = {name.lower() for name, _ in call.received.headers}
            assert not names & {"impersonate-user", "x-remote-user", "x-forwarded-for", "cookie"}


async def test_host_that_is_away_silent_or_untrusted_is_named() -> None:
    async def silent(_: HostCall) -> None:
        await asyncio.sleep(5)

    async def hangs_up(_: HostCall) -> None:
        return

    async def nonsense(call: HostCall) -> None:
        await call.raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async def endless(call: HostCall) -> None:
        await call.send(h11.Response(status_code=500, headers=[("Transfer-Encoding", "chunked")]))
        while True:
            await call.send(h11.Data(data=b"x" * 65536))

    async with Endpoint(QUICK) as endpoint:
        scripts = ((silent, 504), (hangs_up, 502), (nonsense, 502), (endless, 500))
        for script, code in scripts:
            endpoint.host.script = script
            answered, _ = await (await endpoint.call()).ask("POST", EXEC, *SPDY)
            assert answered == code
        trusted, endpoint.api.tls = endpoint.api.tls, ssl.create_default_context()
        assert (await (await endpoint.call()).ask("GET", LOGS))[0] == 502
        endpoint.api.tls, endpoint.api.port = trusted, 1
        assert (await (await endpoint.call()).ask("GET", LOGS))[0] == 502


async def test_pod_made_anew_meanwhile_is_not_reached() -> None:
    async with Endpoint() as endpoint:

        async def replace(call: HostCall) -> None:
            endpoint.lookup.pods["default", "web"] = HOST_POD._replace(host_uid="new")
            await call.switch("SPDY/3.1", then=b"of the new pod")

        endpoint.host.script = replace
        code, body = await (await endpoint.call()).ask("POST", EXEC, *SPDY)
        assert code == 404
        assert b"replaced" in body


async def test_defect_in_the_engine_is_a_500_and_not_a_hang() -> None:
    async with Endpoint() as endpoint:
        endpoint.lookup.defect = RuntimeError("boom")
        code, body = await (await endpoint.call()).ask("GET", LOGS)
        assert code == 500
        assert body == b"the syncer failed; its log says why"
