"""What a server answers to whom it does not know, and as whom it shows itself."""

from __future__ import annotations

import http.client
import socket
import ssl
from pathlib import Path

from cryptography import x509

from tests.contract.certificates import described

PORT = 6443
ASKED = (
    *("/ping", "/cacerts", "/version", "/healthz", "/livez", "/readyz", "/metrics", "/api"),
    *("/v1-k3s/readyz", "/v1-k3s/connect", "/v1-k3s/client-ca.crt", "/v1-k3s/config"),
)
_LISTENS = "0A"


def answers(port: int = PORT) -> dict[str, int]:
    """Return path → status of requests without credentials."""
    found = {}
    for path in ASKED:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=_unchecked(), timeout=30
        )
        try:
            connection.request("GET", path)
            found[path] = connection.getresponse().status
        finally:
            connection.close()
    return found


def shown(name: str | None, address: str = "127.0.0.1", port: int = PORT) -> dict[str, object]:
    """Return the certificate that a client sees which asks for a name, and the protocol."""
    context = _unchecked()
    context.set_alpn_protocols(["h2", "http/1.1"])

    with (
        socket.create_connection((address, port), 30) as raw,
        context.wrap_socket(raw, server_hostname=name) as connection,
    ):
        der = connection.getpeercert(binary_form=True)
        assert der is not None
        found = described(x509.load_der_x509_certificate(der))
        return {**found, "protocol": connection.selected_alpn_protocol()}


def listening(proc: Path = Path("/proc/self/net")) -> list[str]:
    """Return where somebody listens in this network: `*:6443`, `127.0.0.1:6444`."""
    found = set()
    for file in ("tcp", "tcp6"):
        for line in (proc / file).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == _LISTENS:
                address, _, port = local.partition(":")
                found.add(f"{_address(address)}:{int(port, 16)}")
    return sorted(found)


def _address(text: str) -> str:
    if not text.strip("0"):
        return "*"
    if len(text) == 8:
        return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))
    return "::1" if text.endswith("01000000") else text


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
