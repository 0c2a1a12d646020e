"""Certificates in words: what a reader of a table wants to know of one."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.utils import CryptographyDeprecationWarning

_BORN = re.compile(r"@(\d+)$")  # CAs are named after the second of their birth
_USAGES = ("digital_signature", "key_encipherment", "key_cert_sign", "crl_sign")
_EXTENDED = {"serverAuth": "server", "clientAuth": "client"}


def in_file(path: Path) -> list[dict[str, Any]]:
    """Return the certificates of a PEM file, the leaf first."""
    return [described(each) for each in _loaded(path.read_bytes())]


def described(certificate: x509.Certificate) -> dict[str, Any]:
    """Return what tells one certificate from another."""
    with warnings.catch_warnings():
        # Serial number 0 is what k3s' CAs have: a finding here, not a fault.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        serial = certificate.serial_number
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    sans = _extension(certificate, x509.SubjectAlternativeName)
    usage = _extension(certificate, x509.KeyUsage)
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    constraints = _extension(certificate, x509.BasicConstraints)
    return {
        "subject": _name(certificate.subject),
        "issuer": _name(certificate.issuer),
        "serial": "0" if serial == 0 else "random" if serial > 2**32 else str(serial),
        "days": round((end - begin).total_seconds() / 86400),
        "begin": begin.timestamp(),
        "backdated": _backdated(certificate),
        "end": end.timestamp(),
        "ca": bool(constraints and constraints.ca),
        "usages": [each for each in _USAGES if usage and getattr(usage, each)],
        "extended": sorted(
            _EXTENDED.get(each._name, each.dotted_string) for each in extended or ()
        ),
        "sans": sorted(str(each.value) for each in sans or ()),
        "key": _key(certificate),
    }


def _loaded(content: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(content)


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name(name: x509.Name) -> str:
    """Return e.g. `O=system:masters,CN=system:admin`, without the time in a CA's name."""
    return ",".join(
        f"{part.rfc4514_attribute_name}={_BORN.sub('@time', str(part.value))}" for part in name
    )


def _backdated(certificate: x509.Certificate) -> int | None:
    """Return how many seconds before it was made a CA is valid, by the time in its name."""
    born = _BORN.search(certificate.subject.rfc4514_string())
    begin = certificate.not_valid_before_utc.timestamp()
    return round(int(born[1]) - begin) if born else None


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__
