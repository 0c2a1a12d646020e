"""Who counts as the API server: whoever has the key of its file, and nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kubelet import ApiServerKey
from tests.unit.kubelet_pki import Pair, make_ca, make_leaf, write_api_server

CA = make_ca("k3s-client-ca")
FILE = "client-kube-apiserver.crt"
REFUSED = "a client was refused: its key is not the API server's"
UNREADABLE = "the API server's certificate cannot be read"


def der(pair: Pair) -> bytes:
    return pair.certificate.public_bytes(serialization.Encoding.DER)


def client(names: list[str], groups: list[str], ca: Pair = CA) -> Pair:
    return make_leaf(ca, names, groups, ExtendedKeyUsageOID.CLIENT_AUTH)


def signed_again(pair: Pair) -> bytes:
    """Return another certificate of the same key, as a renewal that keeps it makes."""
    old = pair.certificate
    made = (
        x509.CertificateBuilder()
        .subject_name(CA.certificate.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .sign(CA.key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("name", ["kube-apiserver", "system:apiserver", "anything else"])
def test_key_of_the_file_is_trusted_whatever_the_name(tmp_path: Path, name: str) -> None:
    own = write_api_server(tmp_path, CA, name)
    trusts = ApiServerKey(tmp_path)
    assert trusts(der(own))
    assert trusts(signed_again(own))


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["kube-apiserver"], []),
        (["kube-apiserver"], ["system:masters"]),
        (["system:apiserver"], ["system:masters"]),
        (["system:apiserver"], []),
        (["system:admin"], ["system:masters"]),
        ([], ["system:masters"]),
    ],
)
@pytest.mark.parametrize("own", ["kube-apiserver", "system:apiserver"])
def test_other_key_is_refused_whatever_the_name(
    tmp_path: Path, own: str, names: list[str], groups: list[str]
) -> None:
    write_api_server(tmp_path, CA, own)
    assert not ApiServerKey(tmp_path)(der(client(names, groups)))


@pytest.mark.parametrize("shown", [None, b"", b"\x30\x00", der(CA)])
def test_no_certificate_and_no_usual_one_is_nobody(tmp_path: Path, shown: bytes | None) -> None:
    trusts = ApiServerKey(tmp_path)
    assert not trusts(shown)
    write_api_server(tmp_path, CA)
    assert not trusts(shown)


def test_new_key_takes_the_place_of_the_old_one_at_once(tmp_path: Path) -> None:
    old = write_api_server(tmp_path, CA)
    trusts = ApiServerKey(tmp_path)
    assert trusts(der(old))
    new = write_api_server(tmp_path, CA)
    assert trusts(der(new))
    assert not trusts(der(old))


def test_file_that_took_the_place_of_another_is_read_though_time_and_size_are_the_same(
    tmp_path: Path,
) -> None:
    old, path = write_api_server(tmp_path, CA), tmp_path / FILE
    trusts = ApiServerKey(tmp_path)
    assert trusts(der(old))
    before, kept = path.stat(), tmp_path / "kept"
    path.rename(kept)  # so that its inode is not given again
    new = write_api_server(tmp_path, CA)
    path.write_bytes(path.read_bytes().ljust(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert trusts(der(new))
    assert not trusts(der(old))


HALVES = {
    "gone": None,
    "empty": b"",
    "no PEM": b"\x00" * 700,
    "half": b"-----BEGIN CERTIFICATE-----\nMIIB",
    "whole, but no certificate": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "not ASCII": "-----BEGIN CERTIFICATE-----\nü\n-----END CERTIFICATE-----\n".encode(),
}


@pytest.mark.parametrize("content", HALVES.values(), ids=HALVES)
def test_unreadable_file_trusts_nobody_before_and_the_last_key_after(
    tmp_path: Path, content: bytes | None
) -> None:
    path, trusts = tmp_path / FILE, ApiServerKey(tmp_path)
    stranger = client(["kube-apiserver"], [])

    def spoil() -> None:
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)

    spoil()
    with structlog.testing.capture_logs() as logs:
        assert not trusts(der(stranger))
        assert not trusts(der(stranger))
    assert [each["trusted"] for each in logs if each["event"] == UNREADABLE] == ["nobody"]

    own = write_api_server(tmp_path, CA)
    assert trusts(der(own))
    spoil()
    with structlog.testing.capture_logs() as logs:
        assert trusts(der(own))
        assert not trusts(der(stranger))
    told = [each for each in logs if each["event"] == UNREADABLE]
    assert [each["trusted"] for each in told] == ["the key of before"]
    assert told[0]["error"]

    new = write_api_server(tmp_path, CA)
    assert trusts(der(new))
    assert not trusts(der(own))


def test_leaf_is_enough_while_its_chain_is_being_written(tmp_path: Path) -> None:
    own, path = write_api_server(tmp_path, CA), tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-50])
    assert ApiServerKey(tmp_path)(der(own))


def test_stranger_is_told_of_once_for_each_key_and_by_fingerprints(tmp_path: Path) -> None:
    write_api_server(tmp_path, CA)
    trusts = ApiServerKey(tmp_path)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            trusts(der(client(["kube-apiserver"], [])))
        write_api_server(tmp_path, CA)
        trusts(der(client(["kube-apiserver"], [])))
    told = [each for each in logs if each["event"] == REFUSED]
    assert len(told) == 2
    assert all(len(each["key"]) == len(each["api_server_key"]) == 64 for each in told)
    assert told[0]["api_server_key"] != told[1]["api_server_key"]
