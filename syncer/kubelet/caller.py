"""Who may talk to the kubelet endpoint: the virtual API server, known by its key.

No name and no group could tell: k3s signs the API server's certificate with the same CA as those
of the virtual cluster's users, calls it differently in different versions, and a tenant may have
certificates of any name signed (docs/decisions/015). The private key never leaves the pod, and the
TLS handshake proves that the caller has it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from syncer import certfile

log = structlog.get_logger()
API_SERVER = "client-kube-apiserver.crt"


class ApiServerKey:
    """Says of a client's certificate whether its key is the API server's.

    `directory` is k3s' `server/tls`. The file is looked at for each question, and read when it is
    another: k3s writes a new pair, not atomically, before it starts its API server. While it cannot
    be read, the last key that could be is the one; before there was any, nobody's is.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / API_SERVER
        self._seen: certfile.Stamp | None = None
        self._key: bytes | None = None
        self._trouble = ""
        self._refused = False

    def __call__(self, certificate_der: bytes | None) -> bool:
        """Judge a certificate whose key the handshake has proved; None is that of nobody."""
        trusted = self._current()
        shown = None if certificate_der is None else _key_of_der(certificate_der)
        if shown is not None and shown == trusted:
            return True
        if not self._refused:
            # Once for each key: whoever is refused may ask as often as they like.
            self._refused = True
            log.warning(
                "a client was refused: its key is not the API server's",
                key=_fingerprint(shown),
                api_server_key=_fingerprint(trusted),
                file=str(self._path),
            )
        return False

    def _current(self) -> bytes | None:
        try:
            seen = certfile.stamp(self._path)
            if seen != self._seen:
                key = _spki(certfile.first(self._path.read_bytes()))
                self._trouble, self._seen = "", seen
                if key != self._key:
                    self._key, self._refused = key, False
                    log.info("the API server's key is known", key=_fingerprint(key))
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            self._report(str(error))
        return self._key

    def _report(self, trouble: str) -> None:
        """Say once what is wrong with the file, and who is trusted meanwhile."""
        self._seen = None
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning(
                "the API server's certificate cannot be read",
                file=str(self._path),
                error=trouble,
                trusted="nobody" if self._key is None else "the key of before",
            )


def _key_of_der(der: bytes) -> bytes | None:
    """Return the key of a certificate that OpenSSL has verified; None where it is no usual one."""
    try:
        return _spki(x509.load_der_x509_certificate(der))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _fingerprint(key: bytes | None) -> str:
    return "none" if key is None else hashlib.sha256(key).hexdigest()
