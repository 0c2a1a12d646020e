"""The endpoint's serving certificate, signed by the virtual cluster's server CA, and a client's.

The API server verifies kubelets against server-ca (docs/k3s-contract.md, Certificates), whose key
lies on the shared data volume. Certificate and key live in memory only; nothing is ever written to
disk.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from syncer import certfile

LIFETIME = timedelta(days=90)  # far below the year that k3s gives its own; renewal costs 1 ms
RENEW_BEFORE = LIFETIME / 3  # the kubelet's own rule: renew in the last third
BACKDATE = timedelta(hours=1)  # clocks of syncer and API server are the same pod's; this is spare


class CertificateError(Exception):
    """The CA's files are missing, half-written, or not what a CA needs to be."""


class Serving(NamedTuple):
    """A certificate with its key, both as one PEM text."""

    pem: bytes
    not_before: datetime
    not_after: datetime

    def needs_renewal(self, now: datetime) -> bool:
        """Say whether it is time for a new one: soon to expire, or not yet valid."""
        early = min(RENEW_BEFORE, (self.not_after - self.not_before) / 3)
        return now < self.not_before or now >= self.not_after - early


def issue(ca_cert_pem: bytes, ca_key_pem: bytes, names: Sequence[str], now: datetime) -> Serving:
    """Sign a new serving certificate for these DNS names and addresses.

    It never outlives its CA. Raises CertificateError when the CA's files cannot be used.
    """
    alternatives = x509.SubjectAlternativeName([_name(n) for n in names])
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, names[0])]
    usage = ExtendedKeyUsageOID.SERVER_AUTH
    return _sign(ca_cert_pem, ca_key_pem, subject, usage, alternatives, now)


def issue_client(
    ca_cert_pem: bytes, ca_key_pem: bytes, user: str, group: str, now: datetime
) -> Serving:
    """Sign a new certificate that says to the virtual API who asks."""
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
        x509.NameAttribute(NameOID.COMMON_NAME, user),
    ]
    return _sign(ca_cert_pem, ca_key_pem, subject, ExtendedKeyUsageOID.CLIENT_AUTH, None, now)


def _sign(
    ca_cert_pem: bytes,
    ca_key_pem: bytes,
    subject: Sequence[x509.NameAttribute[str]],
    usage: x509.ObjectIdentifier,
    alternatives: x509.SubjectAlternativeName | None,
    now: datetime,
) -> Serving:
    ca_key, ca_cert = _ca(ca_cert_pem, ca_key_pem)
    not_before = max(now - BACKDATE, ca_cert.not_valid_before_utc)
    not_after = min(now + LIFETIME, ca_cert.not_valid_after_utc)
    if not_after <= now:
        raise CertificateError("the virtual cluster's CA has expired")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(ca_cert.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signature_only(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(_authority(ca_cert, ca_key), critical=False)
    )
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Serving(pem, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def now_utc() -> datetime:
    """Return the wall clock: certificates live by it, unlike timers."""
    return datetime.now(UTC)


_CaKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey  # k3s makes EC; its custom CAs may be RSA


def _ca(cert_pem: bytes, key_pem: bytes) -> tuple[_CaKey, x509.Certificate]:
    """Return the CA's key and its certificate; the file may hold a chain."""
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
        chain = certfile.every(cert_pem)
    except (ValueError, TypeError) as error:
        raise CertificateError("the CA's files are not readable PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateError("the CA's key is neither EC nor RSA")
    for certificate in chain:
        if certificate.public_key() == key.public_key():
            return key, certificate
    raise CertificateError("the CA's key belongs to none of its certificates")


def _authority(ca_cert: x509.Certificate, ca_key: _CaKey) -> x509.AuthorityKeyIdentifier:
    try:
        own = ca_cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _signature_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
