"""Which headers pass between the API server and the host API. Pure.

Allow-lists in both directions: neither Authorization, Impersonate-*, X-Remote-*, Cookie nor any
hop-by-hop header of the client can ride on the syncer's credentials (threats.md G5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from syncer.kubelet.errors import BadRequest
from syncer.kubelet.types import Headers

USER_AGENT = b"virtualcluster-syncer/kubelet"
SPDY = b"spdy/3.1"
WEBSOCKET = b"websocket"
_UPGRADES = {SPDY: b"SPDY/3.1", WEBSOCKET: b"websocket"}

# v4.channel.k8s.io, base64.channel.k8s.io, portforward.k8s.io, SPDY/3.1+portforward.k8s.io, ...
_PROTOCOL = re.compile(rb"(SPDY/3\.1\+)?([a-z0-9]{1,16}\.){1,4}k8s\.io")
_WEBSOCKET_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_WEBSOCKET_VERSION = re.compile(rb"[0-9]{1,3}")

# What a 101 needs beside Connection and Upgrade, which are written anew.
_ANSWER = frozenset(
    {b"x-stream-protocol-version", b"sec-websocket-accept", b"sec-websocket-protocol"}
)


class Upgrade(NamedTuple):
    """A proposal to leave HTTP: the protocol in canonical spelling, and the headers it needs."""

    protocol: bytes
    headers: Headers

    @property
    def method(self) -> str:
        """WebSocket handshakes must be a GET; kubectl's SPDY has always been a POST."""
        return "GET" if self.protocol == _UPGRADES[WEBSOCKET] else "POST"


def proposal(headers: Iterable[tuple[bytes, bytes]]) -> Upgrade | None:
    """Return the upgrade that a request proposes; None without an Upgrade header.

    Raises BadRequest for any protocol but SPDY/3.1 and WebSocket (h2c above all).
    """
    received = list(headers)
    wanted = values(received, b"upgrade")
    if not wanted:
        return None
    if len(wanted) > 1 or wanted[0].lower() not in _UPGRADES:
        raise BadRequest("only upgrades to SPDY/3.1 and websocket are served")
    if b"upgrade" not in (value.lower() for value in values(received, b"connection")):
        raise BadRequest("an Upgrade header needs Connection: Upgrade")
    name = wanted[0].lower()
    passed = _spdy(received) if name == SPDY else _websocket(received)
    return Upgrade(_UPGRADES[name], passed)


def host_request(authority: str, token: str, upgrade: Upgrade | None) -> Headers:
    """Return the complete headers of a request to the host API."""
    headers = [
        (b"Host", authority.encode("ascii")),
        (b"Authorization", b"Bearer " + token.encode("ascii")),
        (b"User-Agent", USER_AGENT),
        (b"Accept", b"*/*"),
    ]
    if upgrade is None:
        return [*headers, (b"Connection", b"close"), (b"Content-Length", b"0")]
    headers += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade.protocol), *upgrade.headers]
    return [*headers, (b"Content-Length", b"0")] if upgrade.method == "POST" else headers


def switching(upgrade: Upgrade, answered: Iterable[tuple[bytes, bytes]]) -> Headers | None:
    """Return the headers of our 101 for the host's; None when it switched to something else."""
    received = list(answered)
    if [value.lower() for value in values(received, b"upgrade")] != [upgrade.protocol.lower()]:
        return None
    passed = [(name, value) for name, value in received if name.lower() in _ANSWER]
    return [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade.protocol), *passed]


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the comma-separated values of all headers of this (lower-case) name."""
    found = [value for key, value in headers if key.lower() == name]
    return [part for value in found for raw in value.split(b",") if (part := raw.strip(b" \t"))]


def _spdy(headers: Headers) -> Headers:
    """Return the stream protocols one by one: older servers do not split at commas."""
    protocols = values(headers, b"x-stream-protocol-version")
    if not all(_PROTOCOL.fullmatch(protocol) for protocol in protocols):
        raise BadRequest("unknown X-Stream-Protocol-Version")
    return [(b"X-Stream-Protocol-Version", protocol) for protocol in protocols]


def _websocket(headers: Headers) -> Headers:
    """Return the handshake without extensions; bearer tokens posing as subprotocols are dropped."""
    key, version = (values(headers, b"sec-websocket-" + part) for part in (b"key", b"version"))
    if len(key) != 1 or not _WEBSOCKET_KEY.fullmatch(key[0]):
        raise BadRequest("malformed Sec-WebSocket-Key")
    if len(version) != 1 or not _WEBSOCKET_VERSION.fullmatch(version[0]):
        raise BadRequest("malformed Sec-WebSocket-Version")
    passed = [(b"Sec-WebSocket-Key", key[0]), (b"Sec-WebSocket-Version", version[0])]
    offered = values(headers, b"sec-websocket-protocol")
    known = [protocol for protocol in offered if _PROTOCOL.fullmatch(protocol)]
    return [*passed, (b"Sec-WebSocket-Protocol", b", ".join(known))] if known else passed
