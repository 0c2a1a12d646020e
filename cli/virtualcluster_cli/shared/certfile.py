# Made by scripts/generate from syncer/certfile.py: edit that one.
"""Certificates in the files of k3s, read for their names, dates and keys.

k3s gives its authorities the serial number 0, which RFC 5280 forbids: `cryptography` warns of it
and will refuse such certificates. Nothing that is read here depends on that number, so that what
is parsed has 1 in its place. Whether a certificate is to be trusted is for TLS to say; OpenSSL and
Go take the 0.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE = rb"0(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
_SERIAL_0 = re.compile(
    rb"(?P<before>" + _SEQUENCE * 2 + rb"(?:\xa0\x03\x02\x01.)?\x02\x01)\x00", re.DOTALL
)
"""The beginning of a certificate with the serial number 0: two headers, the version, the number."""


class Stamp(NamedTuple):
    """Tells a file from what was there before, one that took its place included."""

    inode: int
    changed_ns: int
    size: int


def stamp(path: Path) -> Stamp:
    """Return a file's stamp without reading it; raise OSError when it is not there."""
    stat = path.stat()
    return Stamp(stat.st_ino, stat.st_mtime_ns, stat.st_size)


def first(pem: bytes) -> x509.Certificate:
    """Return the first certificate: the one that the file is about, those of its signers follow.

    Raises ValueError when there is none, or none that is whole.
    """
    found = _BLOCK.search(pem)
    if found is None:
        raise ValueError("no certificate in it")
    return _read(found[0])


def every(pem: bytes) -> list[x509.Certificate]:
    """Return all certificates; raise ValueError when one is not whole, or when there is none."""
    blocks = _BLOCK.findall(pem)
    if not blocks or pem.count(b"-----BEGIN CERTIFICATE-----") != len(blocks):
        raise ValueError("no certificate in it, or half of one")
    return [_read(each) for each in blocks]


def _read(block: bytes) -> x509.Certificate:
    der = ssl.PEM_cert_to_DER_cert(block.decode("ascii"))
    if found := _SERIAL_0.match(der):
        der = found["before"] + b"\x01" + der[found.end() :]
    return x509.load_der_x509_certificate(der)
