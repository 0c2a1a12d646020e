"""What the person at kubectl reads when the host says no, and which headers pass: pure tables."""

from __future__ import annotations

import orjson
import pytest

from syncer.kubelet.errors import (
    TABLE,
    BadRequest,
    HostRefused,
    HostUnavailable,
    KubeletError,
    MissingRight,
    answer_to,
)
from syncer.kubelet.headers import host_request, proposal, switching
from syncer.kubelet.host_errors import explain
from syncer.kubelet.types import PodRef
from tests.unit.kubelet_fakes import HOST_POD, SPDY, WEBSOCKET

REF = PodRef("default", "web", None)


def status(message: str, reason: str = "BadRequest") -> bytes:
    return orjson.dumps({"kind": "Status", "message": message, "reason": reason})


RBAC = (
    'pods "web-x-default-x-vc" is forbidden: User "system:serviceaccount:team-x:vc" cannot '
    'create resource "pods/exec" in API group "" in the namespace "team-x"'
)
LOG_RBAC = (
    'pods "web-x-default-x-vc" is forbidden: User "system:serviceaccount:team-x:vc" cannot '
    'get resource "pods/log" in API group "" in the namespace "team-x"'
)


@pytest.mark.parametrize(
    ("code", "body", "kind", "answered", "text"),
    [
        (403, status(RBAC, "Forbidden"), MissingRight, 500, '"create" "pods/exec"'),
        (403, status(LOG_RBAC, "Forbidden"), MissingRight, 500, '"get" "pods/log"'),
        (403, status("denied by policy"), HostRefused, 403, "denied by policy"),
        (403, b"unable to negotiate protocol", HostRefused, 403, "unable to negotiate"),
        (401, status("Unauthorized"), HostUnavailable, 502, "token"),
        (200, b"", HostUnavailable, 502, "answered 200"),
        (204, b"", HostUnavailable, 502, "answered 204"),
        (302, b"", HostUnavailable, 502, "never followed"),
        (404, status('pods "web-x-default-x-vc" not found'), HostRefused, 404, 'pods "web" n'),
        (400, status("Upgrade request required"), HostRefused, 400, "Upgrade request"),
        (
            400,
            status('container "main" in pod "web-x-default-x-vc" is waiting to start: x'),
            HostRefused,
            400,
            'container "main" in pod "web" is waiting to start: x',
        ),
        (
            500,
            status("web-x-default-x-vc_team-x(aaaaaaaa-0000-4000-8000-000000000001)"),
            HostRefused,
            500,
            "web_default(bbbbbbbb-0000-4000-8000-000000000002)",
        ),
        (500, status("team-x/web-x-default-x-vc: x"), HostRefused, 500, "default/web: x"),
        # Another object's name that only begins like ours stays what it is.
        (500, status("web-x-default-x-vc-2"), HostRefused, 500, "web-x-default-x-vc-2"),
        (429, b"Too many requests\n", HostRefused, 429, "Too many requests"),
        (503, b"", HostRefused, 503, "answered 503"),
        (500, b"[]", HostRefused, 500, "answered 500"),
        (599, b"", HostRefused, 599, "599"),
        (500, b"\xff" * 100_000, HostRefused, 500, "\ufffd"),
    ],
)
def test_refusal_of_the_host_is_told_in_virtual_names(
    code: int, body: bytes, kind: type[KubeletError], answered: int, text: str
) -> None:
    error = explain(code, body, HOST_POD, REF)
    answer = answer_to(error)
    assert type(error) is kind
    assert answer.code == answered
    assert text in answer.message
    assert len(answer.message) <= 16 * 1024
    assert "team-x" not in answer.message
    assert "aaaaaaaa" not in answer.message


def test_answer_is_a_status_for_kubectl_and_plain_text_for_logs() -> None:
    answer = answer_to(BadRequest("no"))
    assert orjson.loads(answer.status()) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "BadRequest",
        "code": 400,
    }
    assert answer.text() == b"no"


def test_every_error_class_has_an_answer() -> None:
    assert set(TABLE) | {HostRefused} == set(KubeletError.__subclasses__())
    assert answer_to(KubeletError("x")).code == 500


def encode(*headers: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


def replaced(headers: tuple[tuple[str, str], ...], **new: str) -> list[tuple[bytes, bytes]]:
    names = {name.replace("_", "-"): value for name, value in new.items()}
    return encode(*(pair for pair in headers if pair[0] not in names), *names.items())


@pytest.mark.parametrize(
    "headers",
    [
        replaced(SPDY, Upgrade="h2c"),
        replaced(SPDY, Upgrade="SPDY/3.1, websocket"),
        replaced(SPDY, Upgrade="TLS/1.0"),
        replaced(SPDY, Connection="keep-alive"),
        replaced(SPDY, X_Stream_Protocol_Version="v4.channel.k8s.io; evil"),
        replaced(SPDY, X_Stream_Protocol_Version="Bearer abc"),
        replaced(WEBSOCKET, Sec_WebSocket_Key="short"),
        replaced(WEBSOCKET, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==, x"),
        replaced(WEBSOCKET, Sec_WebSocket_Version="13x"),
        [*encode(*WEBSOCKET), (b"Sec-WebSocket-Version", b"8")],
        encode(("Upgrade", "websocket"), ("Connection", "Upgrade")),
    ],
)
def test_odd_upgrade_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BadRequest):
        proposal(headers)


def test_only_what_the_protocol_needs_reaches_the_host() -> None:
    hostile = encode(
        ("Authorization", "Bearer tenant"),
        ("Impersonate-User", "system:admin"),
        ("Impersonate-Group", "system:masters"),
        ("X-Remote-User", "system:admin"),
        ("X-Remote-Group", "system:masters"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Cookie", "a=b"),
        ("Forwarded", "host=x"),
        ("Proxy-Authorization", "Basic eDp5"),
        ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Origin", "https://x"),
    )
    for own in (SPDY, WEBSOCKET):
        upgrade = proposal([*hostile, *encode(*own), *hostile])
        assert upgrade is not None
        sent = host_request("api:443", "syncer", upgrade)
        assert {name.lower() for name, _ in sent} <= {
            b"host", b"authorization", b"user-agent", b"accept", b"connection", b"upgrade",
            b"content-length", b"x-stream-protocol-version", b"sec-websocket-key",
            b"sec-websocket-version", b"sec-websocket-protocol",
        }  # fmt: skip
        assert [v for n, v in sent if n == b"Authorization"] == [b"Bearer syncer"]


def test_spdy_protocols_are_sent_one_by_one_by_post() -> None:
    """Servers before 1.28 do not split the header at commas."""
    offered = "v4.channel.k8s.io, v3.channel.k8s.io,channel.k8s.io"
    upgrade = proposal(replaced(SPDY, X_Stream_Protocol_Version=offered, Upgrade="spdy/3.1"))
    assert upgrade is not None
    assert upgrade.method == "POST"
    assert upgrade.protocol == b"SPDY/3.1"
    assert [value for _, value in upgrade.headers] == [
        b"v4.channel.k8s.io",
        b"v3.channel.k8s.io",
        b"channel.k8s.io",
    ]


def test_bearer_token_posing_as_a_subprotocol_is_dropped() -> None:
    offered = "base64url.bearer.authorization.k8s.io.dG9rZW4, SPDY/3.1+portforward.k8s.io"
    upgrade = proposal(replaced(WEBSOCKET, Sec_WebSocket_Protocol=offered))
    assert upgrade is not None
    assert upgrade.method == "GET"
    assert upgrade.headers[-1] == (b"Sec-WebSocket-Protocol", b"SPDY/3.1+portforward.k8s.io")


def test_no_upgrade_header_is_no_proposal() -> None:
    assert proposal(encode(("Connection", "Upgrade"), ("Accept", "*/*"))) is None


def test_switch_passes_on_protocol_headers_only() -> None:
    upgrade = proposal(encode(*SPDY))
    assert upgrade is not None
    answered = encode(
        ("Upgrade", "SPDY/3.1"),
        ("Connection", "Upgrade"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
        ("Audit-Id", "1"),
        ("Set-Cookie", "a=b"),
    )
    assert switching(upgrade, answered) == encode(
        ("Connection", "Upgrade"),
        ("Upgrade", "SPDY/3.1"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
    )
    assert switching(upgrade, encode(("Upgrade", "websocket"))) is None
    assert switching(upgrade, []) is None
