"""When certificates end: what the files say now."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncer.kubelet.certs import LIFETIME, issue_client
from syncer.telemetry.cert_expiry import FILES, Expiries
from tests.unit.kubelet_pki import make_ca

NOW = datetime.now(UTC).replace(microsecond=0)
END = (NOW + LIFETIME).timestamp()


@pytest.fixture
def leaf() -> bytes:
    """A certificate followed by its authority's, as k3s writes them."""
    ca = make_ca("k3s-client-ca")
    return issue_client(ca.cert_pem, ca.key_pem, "admin", "system:masters", NOW).pem + ca.cert_pem


def test_each_file_that_is_there_is_told_by_its_name(tmp_path: Path, leaf: bytes) -> None:
    expiries = Expiries(tmp_path)
    assert expiries() == {}
    (tmp_path / FILES["admin"]).write_bytes(leaf)
    assert expiries() == {"admin": END}


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA"])
def test_file_that_is_being_written_is_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILES["admin"]).write_bytes(content)
    assert Expiries(tmp_path)() == {}


def test_renewed_file_is_read_again_and_the_same_one_is_not(tmp_path: Path, leaf: bytes) -> None:
    path, expiries = tmp_path / FILES["api-server"], Expiries(tmp_path)
    path.write_bytes(leaf)
    assert expiries() == {"api-server": END}
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert expiries() == {"api-server": END}
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert expiries() == {}
