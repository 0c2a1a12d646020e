"""Certificates of k3s that are older than they are: the same ones, signed again, ending earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from syncer import certfile

END = b"-----END CERTIFICATE-----"
AUTHORITIES = ("server-ca", "client-ca", "request-header-ca")


def aged(pem: bytes, tls: Path, left: timedelta) -> bytes:
    """Return a certificate, with what follows it, that ends in so long."""
    leaf, chain = certfile.first(pem), pem.partition(END)[2]
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(leaf.issuer)
        .public_key(leaf.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(datetime.now(UTC) + left)
    )
    for each in leaf.extensions:
        builder = builder.add_extension(each.value, critical=each.critical)
    made = builder.sign(_key_of(leaf.issuer, tls), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM) + chain.lstrip()


def age(tls: Path, left: timedelta) -> int:
    """Let all certificates of a k3s that does not run end in so long; return how many."""
    leaves = [each for each in sorted(tls.glob("*.crt")) if each.stem not in AUTHORITIES]
    for each in leaves:
        each.write_bytes(aged(each.read_bytes(), tls, left))
    return len(leaves)


def end(pem: bytes) -> datetime:
    """Return when a certificate ends."""
    return certfile.first(pem).not_valid_after_utc


def _key_of(issuer: x509.Name, tls: Path) -> ec.EllipticCurvePrivateKey:
    for name in AUTHORITIES:
        if certfile.first((tls / f"{name}.crt").read_bytes()).subject == issuer:
            key = serialization.load_pem_private_key((tls / f"{name}.key").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            return key
    raise AssertionError(f"no authority in {tls} is called {issuer.rfc4514_string()}")
