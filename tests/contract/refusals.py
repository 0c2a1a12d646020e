"""Servers that may not start."""

from __future__ import annotations

from typing import Any

from tests.contract import wire
from tests.contract.arguments import Place
from tests.contract.lives import outcome


def argument(place: Place, found: dict[str, Any]) -> None:
    """See what becomes of a server whose kube-apiserver knows an argument not."""
    args = place.server("--kube-apiserver-arg=no-such-argument=1")
    end = place.start(place.data("argument"), *args).end()
    found |= {"code": end.code, "named": "unknown flag: --no-such-argument" in end.log}


def route(place: Place, found: dict[str, Any]) -> None:
    """See what becomes of a server without a default route."""
    server = place.start(place.data("route"), *place.server())
    found |= outcome(server, wire.PORT, "no default routes found")
