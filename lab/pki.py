"""The certificates of a lab's host cluster: one CA, one pair per component."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS = 10  # a lab may be kept; nothing outside the machine trusts it


class Pki:
    """Makes certificates in one directory; what is there already stays."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ca: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None

    def path(self, file: str) -> Path:
        """Return the path of e.g. `ca.crt`."""
        return self.directory / file

    def service_account_keys(self) -> None:
        """Make sa.key and sa.pub, which sign and check service account tokens."""
        if not self.path("sa.pub").exists():
            key = ec.generate_private_key(ec.SECP256R1())
            self._write_key("sa", key)
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
            self.path("sa.pub").write_bytes(public)

    def pair(self, name: str, cn: str, group: str = "", sans: Sequence[object] = ()) -> None:
        """Make `name`.crt and `name`.key, good for clients and, with `sans`, for servers."""
        if self.path(f"{name}.crt").exists():
            return
        ca, ca_key = self._load_ca()
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(cn, group, ca.subject, key)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if sans:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names = [_general_name(s) for s in sans]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        self._write_key(name, key)
        self._write_cert(name, builder.sign(ca_key, hashes.SHA256()))

    def kubeconfig(self, pair: str, server: str, target: Path) -> None:
        """Write a kubeconfig for a pair, with everything inline, so that it can be copied away."""
        data = {
            f: base64.b64encode(self.path(f).read_bytes()).decode()
            for f in ("ca.crt", f"{pair}.crt", f"{pair}.key")
        }
        cluster = {"server": server, "certificate-authority-data": data["ca.crt"]}
        user = {
            "client-certificate-data": data[f"{pair}.crt"],
            "client-key-data": data[f"{pair}.key"],
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "host", "cluster": cluster}],
            "users": [{"name": pair, "user": user}],
            "contexts": [{"name": "host", "context": {"cluster": "host", "user": pair}}],
            "current-context": "host",
        }
        target.touch(mode=0o600)
        target.write_text(json.dumps(config, indent=1) + "\n")

    def _load_ca(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if self._ca is None:
            if not self.path("ca.crt").exists():
                self._make_ca()
            key = serialization.load_pem_private_key(self.path("ca.key").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._ca = (x509.load_pem_x509_certificate(self.path("ca.crt").read_bytes()), key)
        return self._ca

    def _make_ca(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab-host-ca")])
        builder = _builder("lab-host-ca", "", name, key)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        self._write_key("ca", key)
        self._write_cert("ca", builder.sign(key, hashes.SHA256()))

    def _write_key(self, name: str, key: ec.EllipticCurvePrivateKey) -> None:
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self.path(f"{name}.key").touch(mode=0o600)
        self.path(f"{name}.key").write_bytes(pem)

    def _write_cert(self, name: str, cert: x509.Certificate) -> None:
        # Last, and by rename: a certificate that is there has its key beside it.
        half = self.path(f".{name}.crt")
        half.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        half.rename(self.path(f"{name}.crt"))


def _builder(
    cn: str, group: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, cn)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
    )


def _general_name(san: object) -> x509.GeneralName:
    if isinstance(san, IPv4Address):
        return x509.IPAddress(san)
    text = str(san)
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
