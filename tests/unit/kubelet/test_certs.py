"""The serving certificate and the TLS context."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from syncer.kubelet.certs import LIFETIME, CertificateError, Serving, issue
from syncer.kubelet.tls import ServingTls
from tests.unit.kubelet_fakes import KUBELET_HOST
from tests.unit.kubelet_pki import make_ca, with_serial_0, write_tls_dir

NOW = datetime.now(UTC).replace(microsecond=0)
CA = make_ca("k3s-server-ca")


def serving(now: datetime = NOW) -> Serving:
    return issue(CA.cert_pem, CA.key_pem, [KUBELET_HOST, "127.0.0.1"], now)


def certificate(made: Serving) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.pem)


def test_certificate_names_the_dialed_host_and_is_signed_by_the_server_ca() -> None:
    leaf = certificate(serving())
    leaf.verify_directly_issued_by(CA.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [KUBELET_HOST]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_certificate_can_only_serve() -> None:
    leaf = certificate(serving())
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not basic.ca


def test_certificate_lives_at_most_a_year_and_tolerates_clock_skew() -> None:
    made = serving()
    assert made.not_after - made.not_before <= timedelta(days=365)
    assert made.not_before <= NOW - timedelta(minutes=10)


def test_two_certificates_share_neither_key_nor_serial() -> None:
    one, two = certificate(serving()), certificate(serving())
    assert one.serial_number != two.serial_number
    assert one.public_key() != two.public_key()


@pytest.mark.parametrize(
    ("age", "due"),
    [
        (timedelta(0), False),
        (LIFETIME / 2, False),
        (LIFETIME * 0.7, True),
        (LIFETIME, True),
        (timedelta(days=400), True),
        (timedelta(days=-1), True),  # the clock went back: not yet valid
    ],
)
def test_renewal_is_due_in_the_last_third_and_outside_the_lifetime(
    age: timedelta, *, due: bool
) -> None:
    assert serving().needs_renewal(NOW + age) is due


def test_certificate_does_not_outlive_its_ca_nor_renew_all_the_time_then() -> None:
    ca = make_ca("short", days=3)
    made = issue(ca.cert_pem, ca.key_pem, [KUBELET_HOST], NOW)
    assert made.not_after == ca.certificate.not_valid_after_utc
    assert not made.needs_renewal(NOW)


def test_expired_ca_is_refused() -> None:
    ca = make_ca("old", days=1)
    with pytest.raises(CertificateError, match="expired"):
        issue(ca.cert_pem, ca.key_pem, [KUBELET_HOST], NOW + timedelta(days=2))


def test_chain_file_is_searched_for_the_certificate_of_the_key() -> None:
    chain = make_ca("root").cert_pem + CA.cert_pem
    made = issue(chain, CA.key_pem, [KUBELET_HOST], NOW)
    certificate(made).verify_directly_issued_by(CA.certificate)


def key_pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("cert", "key", "match"),
    [
        (b"", CA.key_pem, "not readable"),
        (CA.cert_pem, b"", "not readable"),
        (CA.cert_pem[:200], CA.key_pem, "not readable"),
        (CA.cert_pem, CA.key_pem[:100], "not readable"),
        (CA.cert_pem, make_ca("other").key_pem, "none of its certificates"),
        (CA.cert_pem, key_pem(ed25519.Ed25519PrivateKey.generate()), "neither EC nor RSA"),
    ],
)
def test_unusable_ca_files_are_named(cert: bytes, key: bytes, match: str) -> None:
    with pytest.raises(CertificateError, match=match):
        issue(cert, key, [KUBELET_HOST], NOW)


def test_custom_rsa_ca_works() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "custom")])
    ca = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    pem = ssl.DER_cert_to_PEM_cert(with_serial_0(ca, key)).encode()
    certificate(issue(pem, key_pem(key), [KUBELET_HOST], NOW)).verify_directly_issued_by(ca)


class Clock:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_context_is_kept_until_it_grows_old(tmp_path: Path) -> None:
    write_tls_dir(tmp_path, CA, make_ca("client"))
    clock = Clock()
    tls = ServingTls(tmp_path, [KUBELET_HOST], clock)
    first = tls()
    assert tls() is first
    clock.now += LIFETIME
    assert tls.needs_renewal(clock.now)
    assert tls() is not first
    assert not tls.needs_renewal(clock.now)


def test_context_follows_a_new_ca(tmp_path: Path) -> None:
    write_tls_dir(tmp_path, CA, make_ca("client"))
    tls = ServingTls(tmp_path, [KUBELET_HOST])
    first = tls()
    write_tls_dir(tmp_path, make_ca("k3s-server-ca"), make_ca("client"))
    assert tls() is not first


def test_missing_and_half_written_files_are_an_error_that_passes(tmp_path: Path) -> None:
    tls = ServingTls(tmp_path, [KUBELET_HOST])
    with pytest.raises(CertificateError, match="no certificates yet"):
        tls()
    write_tls_dir(tmp_path, CA, make_ca("client"))
    (tmp_path / "client-ca.crt").write_bytes(b"-----BEGIN CERT")
    with pytest.raises(CertificateError):
        tls()
    write_tls_dir(tmp_path, CA, make_ca("client"))
    tls()


def test_no_key_file_is_left_anywhere(tmp_path: Path) -> None:
    write_tls_dir(tmp_path, CA, make_ca("client"))
    files, descriptors = set(tmp_path.iterdir()), len(list(Path("/proc/self/fd").iterdir()))
    ServingTls(tmp_path, [KUBELET_HOST])()
    assert set(tmp_path.iterdir()) == files
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
