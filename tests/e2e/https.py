"""A client of the host's ingress controller, from outside the cluster: names by SNI, no DNS."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import NamedTuple

from tests.e2e.waiting import Pending, until

SECONDS = 5.0
NOT_YET = (OSError, http.client.HTTPException)  # SSLError is an OSError too


class Answer(NamedTuple):
    """What a server said, and the certificate (DER) that it showed; empty without TLS."""

    status: int
    body: str
    certificate: bytes


def get(address: str, host: str, path: str, ca: str = "") -> Answer:
    """GET a path of a host name from the server at an address.

    With `ca` (PEM) by TLS: the chain must end there and the certificate name the host, or it is an
    ssl.SSLCertVerificationError.
    """
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    certificate = b""
    plain = socket.create_connection((address, 443 if ca else 80), SECONDS)
    connection.sock = plain
    if ca:
        tls = ssl.create_default_context(cadata=ca)
        connection.sock = tls.wrap_socket(plain, server_hostname=host)
        certificate = connection.sock.getpeercert(binary_form=True) or b""
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), certificate)
    finally:
        connection.close()


def wait(address: str, host: str, path: str, ca: str = "", status: int = 200) -> Answer:
    """Wait until a request is answered with a status."""

    def answered() -> Answer:
        got = get(address, host, path, ca)
        if got.status != status:
            raise Pending(f"{got.status} {got.body[:100]}")
        return got

    return until(f"{host}{path} answers {status}", answered, 30, despite=NOT_YET)
