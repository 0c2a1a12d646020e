"""The TLS side of the endpoint: the server's context.

`ServingTls` is called for every new connection and answers from memory while nothing changed, so
that a certificate that grows old, a CA that k3s made anew and a jump of the clock need no restart.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from syncer import certfile
from syncer.kubelet.certs import CertificateError, Serving, issue, now_utc

SERVER_CA = "server-ca.crt"
SERVER_CA_KEY = "server-ca.key"
CLIENT_CA = "client-ca.crt"
CLIENT_CA_KEY = "client-ca.key"
REQUEST_HEADER_CA = "request-header-ca.crt"


class ServingTls:
    """Provides the server's TLS context from `<k3s data dir>/server/tls`.

    Clients need a certificate of `client_ca`: that of API clients, or the front proxy's.
    """

    def __init__(
        self,
        directory: Path,
        names: Sequence[str],
        clock: Callable[[], datetime] = now_utc,
        *,
        client_ca: str = CLIENT_CA,
    ) -> None:
        self.directory = directory
        self._files = (SERVER_CA, SERVER_CA_KEY, client_ca)
        self._names = tuple(names)
        self._clock = clock
        self._seen: tuple[certfile.Stamp, ...] = ()
        self._serving: Serving | None = None
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        """Return a context that is valid now; raise CertificateError while k3s has made no CA."""
        now = self._clock()
        seen = self._stamps()
        if self._context is None or seen != self._seen or self.needs_renewal(now):
            files = [self._read(name) for name in self._files]
            self._serving = issue(files[0], files[1], self._names, now)
            self._context = server_context(self._serving.pem, files[2])
            self._seen = seen
        return self._context

    def needs_renewal(self, now: datetime) -> bool:
        """Say whether the next call will make a new certificate because of its age."""
        return self._serving is None or self._serving.needs_renewal(now)

    def _stamps(self) -> tuple[certfile.Stamp, ...]:
        try:
            return tuple(certfile.stamp(self.directory / name) for name in self._files)
        except OSError as error:
            raise CertificateError("the virtual cluster has made no certificates yet") from error

    def _read(self, name: str) -> bytes:
        try:
            return (self.directory / name).read_bytes()
        except OSError as error:
            raise CertificateError(f"{name} is not readable") from error


def server_context(serving_pem: bytes, client_ca_pem: bytes) -> ssl.SSLContext:
    """Make a context that serves with this certificate and demands one of the client CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    # Go takes any certificate of a CA file as an anchor; a custom client CA may be an intermediate.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])  # the API server's dialer would take h2 otherwise
    # A resumed session would carry an identity past a change of the client CA.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_verify_locations(cadata=client_ca_pem.decode("ascii"))
        load_pair(context, serving_pem)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError("the TLS context does not take the certificates") from error
    return context


def load_pair(context: ssl.SSLContext, pem: bytes) -> None:
    """Load certificate and key from a file in memory: no disk shall see the key."""
    descriptor = os.memfd_create("certificate")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
