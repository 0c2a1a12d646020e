"""Certificates as k3s makes them, for the tests of the kubelet endpoint."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    serial_0: bytes = b""
    """DER of the same certificate with the serial number 0, where that is what is written."""

    @property
    def cert_pem(self) -> bytes:
        der = self.serial_0 or self.certificate.public_bytes(serialization.Encoding.DER)
        return ssl.DER_cert_to_PEM_cert(der).encode()

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )


def make_ca(name: str, *, days: int = 3650) -> Pair:
    """Make a CA as k3s does: self-signed, EC, ten years, and with the serial number 0."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key, with_serial_0(certificate, key))


def with_serial_0(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> bytes:
    """Sign a certificate of the serial number 1 again, with 0, which no builder takes any more."""
    before, number, after = certificate.tbs_certificate_bytes.partition(b"\x02\x01\x01")
    assert number
    signed = before + b"\x02\x01\x00" + after
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    algorithm = after[: 2 + after[1]]
    return _tlv(0x30, signed + algorithm + _tlv(0x03, b"\0" + signature))


def _tlv(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def make_leaf(
    ca: Pair,
    names: list[str],
    groups: list[str],
    usage: x509.ObjectIdentifier,
    dns: str = "",
    ip: str = "",
) -> Pair:
    """Make a certificate with any number of common names and organisations."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    attributes += [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names]
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    sans: list[x509.GeneralName] = [x509.DNSName(dns)] if dns else []
    sans += [x509.IPAddress(ipaddress.ip_address(ip))] if ip else []
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def make_client(ca: Pair, name: str = "system:apiserver", group: str = "system:masters") -> Pair:
    return make_leaf(ca, [name], [group], ExtendedKeyUsageOID.CLIENT_AUTH)


def load(context: ssl.SSLContext, pair: Pair) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(pair.cert_pem + pair.key_pem)
        file.flush()
        context.load_cert_chain(file.name)


def write_api_server(directory: Path, client_ca: Pair, name: str = "kube-apiserver") -> Pair:
    """Give k3s' API server a certificate, without a group as up to 1.21; return it."""
    made = make_leaf(client_ca, [name], [], ExtendedKeyUsageOID.CLIENT_AUTH)
    (directory / "client-kube-apiserver.crt").write_bytes(made.cert_pem + client_ca.cert_pem)
    return made


def write_tls_dir(directory: Path, server_ca: Pair, client_ca: Pair) -> None:
    """Lay the CAs out as k3s does in <data dir>/server/tls."""
    (directory / "server-ca.crt").write_bytes(server_ca.cert_pem)
    (directory / "server-ca.key").write_bytes(server_ca.key_pem)
    (directory / "client-ca.crt").write_bytes(client_ca.cert_pem)
