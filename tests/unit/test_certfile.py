"""Certificates of k3s' files, with the serial number 0 too; a warning is an error here."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.utils import CryptographyDeprecationWarning

from syncer import certfile
from tests.unit.kubelet_pki import make_ca, make_client, with_serial_0

NAMES = ("k3s-server-ca@1796063275", "x" * 60, "ü" * 30)  # headers of different lengths


def authority(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["EC", "RSA 2048", "RSA 4096"])
def test_authority_with_serial_0_is_read_as_it_is(kind: str, name: str) -> None:
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if kind == "EC":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(65537, int(kind.split()[1]))
    made = authority(key, name)
    pem = ssl.DER_cert_to_PEM_cert(with_serial_0(made, key)).encode()
    with pytest.warns(CryptographyDeprecationWarning, match="serial number"):
        x509.load_pem_x509_certificate(pem)  # what this is all about
    read = certfile.first(pem)
    assert read.subject.public_bytes() == made.subject.public_bytes()
    assert read.public_key() == key.public_key()
    assert read.not_valid_after_utc == made.not_valid_after_utc
    assert list(read.extensions) == list(made.extensions)


def test_authority_that_openssl_made_is_read(tmp_path: Path) -> None:
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -set_serial 0"
        " -days 3650 -subj /CN=k3s-client-ca -keyout ca.key -out ca.crt"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    pem = (tmp_path / "ca.crt").read_bytes()
    key = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert certfile.first(pem).public_key() == key.public_key()
    trust = ssl.create_default_context(cadata=pem.decode())
    assert trust.get_ca_certs()[0]["serialNumber"] == "00"


@pytest.mark.parametrize("serial", [1, 127, 128, 255, 256, 1 << 64])
def test_other_numbers_stay(serial: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    assert certfile.first(pem) == made


def test_first_is_the_leaf_and_every_is_all_of_them() -> None:
    ca = make_ca("k3s-client-ca")
    leaf = make_client(ca)
    pem = b"Subject: a comment\n" + leaf.cert_pem + ca.cert_pem
    assert certfile.first(pem) == leaf.certificate
    assert [each.subject for each in certfile.every(pem)] == [
        leaf.certificate.subject,
        ca.certificate.subject,
    ]


CA = make_ca("k3s-server-ca").cert_pem


@pytest.mark.parametrize(
    ("pem", "leaf"),
    [
        (b"", False),
        (b"text", False),
        (CA[:-30], False),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", False),
        (b"-----BEGIN CERTIFICATE-----\n\xff\n-----END CERTIFICATE-----", False),
        (CA + CA[:100], True),  # cut in the second one
    ],
)
def test_what_is_not_whole_is_an_error(pem: bytes, *, leaf: bool) -> None:
    if leaf:
        certfile.first(pem)
    else:
        with pytest.raises(ValueError):  # noqa: PT011 (of several parsers)
            certfile.first(pem)
    with pytest.raises(ValueError):  # noqa: PT011 (of several parsers)
        certfile.every(pem)


def test_stamp_tells_files_apart(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(OSError, match="No such file"):
        certfile.stamp(path)
    path.write_bytes(b"1")
    one = certfile.stamp(path)
    assert certfile.stamp(path) == one
    path.write_bytes(b"12")
    assert certfile.stamp(path) != one
