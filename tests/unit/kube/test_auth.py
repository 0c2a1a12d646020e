"""How each API is reached: k3s' kubeconfig in both forms, whole or not at all; changing tokens."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.kube.auth import (
    Admin,
    HostAccess,
    NotReadable,
    VirtAccess,
    key_pair_files,
    read_kubeconfig,
)
from tests.unit.kubelet_pki import make_ca, make_client

CA = make_ca("k3s-server-ca")
CLIENT = make_client(CA, "system:admin")
SERVER = "https://127.0.0.1:8443"


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _file(user: dict[str, Any], **cluster: Any) -> str:
    """Return a kubeconfig as k3s writes it: client-go's order of keys, a newline at the end."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "certificate-authority-data": _b64(CA.cert_pem),
                        "server": SERVER,
                        **cluster,
                    },
                    "name": "default",
                }
            ],
            "contexts": [{"context": {"cluster": "default", "user": "default"}, "name": "default"}],
            "current-context": "default",
            "kind": "Config",
            "preferences": {},
            "users": [{"name": "default", "user": user}],
        },
        width=100_000,
    )


CERTIFICATE = {
    "client-certificate-data": _b64(CLIENT.cert_pem + CA.cert_pem),
    "client-key-data": _b64(CLIENT.key_pem),
}
PASSWORD = {"password": "0123456789abcdef", "username": "admin"}
FORMS = {
    "certificate": (
        _file(CERTIFICATE),
        Admin(SERVER, CA.cert_pem, CLIENT.cert_pem + CA.cert_pem, CLIENT.key_pem, "", ""),
    ),
    "password": (
        _file(PASSWORD),
        Admin(SERVER, CA.cert_pem, b"", b"", "admin", "0123456789abcdef"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_of_the_administrator_are_read(form: str, tmp_path: Path) -> None:
    text, admin = FORMS[form]
    (tmp_path / "config").write_text(text)
    assert read_kubeconfig(tmp_path / "config") == admin


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=150)
@given(data=st.data())
def test_half_written_file_is_never_taken_for_a_whole_one(
    form: str, data: Any, tmp_path_factory: Any
) -> None:
    """k3s writes it in place: whatever part of it there is, it is all or nothing."""
    text, _ = FORMS[form]
    end = data.draw(st.integers(0, len(text) - 1) | st.integers(len(text) - 60, len(text) - 1))
    path: Path = tmp_path_factory.getbasetemp() / f"half-{form}"
    path.write_text(text[:end])
    with pytest.raises(NotReadable):
        read_kubeconfig(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "null\n",
        "[]\n",
        "text\n",
        "{\n",
        "a: [\n",
        "\x00\n",
        "clusters: []\nusers: []\n",
        _file({}),
        _file({"username": "admin"}),
        _file({"password": "x"}),
        _file({**CERTIFICATE, "client-key-data": "!!"}),
        _file({**CERTIFICATE, "client-key-data": _b64(b"no key")}),
        _file({**CERTIFICATE, "client-certificate-data": _b64(b"no certificate")}),
        _file({"client-key-data": CERTIFICATE["client-key-data"]}),
        _file(CERTIFICATE, **{"certificate-authority-data": _b64(b"no certificate")}),
        _file(CERTIFICATE, **{"certificate-authority-data": None}),
        _file(CERTIFICATE, server=None),
    ],
)
def test_file_that_says_less_is_not_readable(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NotReadable):
        read_kubeconfig(path)


def test_missing_file_and_odd_bytes_are_not_readable(tmp_path: Path) -> None:
    with pytest.raises(NotReadable):
        read_kubeconfig(tmp_path / "none")
    (tmp_path / "odd").write_bytes(b"\xff\xfe\n")
    with pytest.raises(NotReadable):
        read_kubeconfig(tmp_path / "odd")


def test_certificate_needs_no_header_and_a_password_is_basic_authentication() -> None:
    certificate, password = FORMS["certificate"][1], FORMS["password"][1]
    assert VirtAccess(certificate).headers() == {}
    assert VirtAccess(password).headers() == {
        "Authorization": "Basic " + _b64(b"admin:0123456789abcdef")
    }
    assert VirtAccess(certificate).url == SERVER


def test_key_pair_is_ours_alone_and_gone_afterwards() -> None:
    with key_pair_files(b"certificate", b"key") as (certificate, key):
        assert Path(certificate).read_bytes() == b"certificate"
        assert Path(key).read_bytes() == b"key"
        assert Path(key).stat().st_mode & 0o077 == 0
    assert not Path(key).exists()


# --- the host's


def _service_account(directory: Path, content: str = "first\n") -> Path:
    (directory / "ca.crt").write_bytes(CA.cert_pem)
    (directory / "token").write_text(content)
    return directory


@pytest.mark.parametrize(
    ("host", "url"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
def test_host_is_where_the_environment_says(tmp_path: Path, host: str, url: str) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    access = HostAccess(_service_account(tmp_path), environment)
    assert (access.url, access.host, access.port) == (url, host, 443)


def test_token_that_the_kubelet_renewed_is_read_within_a_minute(tmp_path: Path) -> None:
    """Threats R19."""
    environment = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "443"}
    access = HostAccess(_service_account(tmp_path), environment)
    assert access.headers() == {"Authorization": "Bearer first"}
    _service_account(tmp_path, "second\n")
    assert access.token() == "first"
    access._read_at -= 61
    assert access.headers() == {"Authorization": "Bearer second"}


def test_authority_that_the_host_took_over_is_trusted_within_a_minute(tmp_path: Path) -> None:
    """Threats R19: beside the earlier one, since both are in use while a host changes over."""
    environment = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "443"}
    access = HostAccess(_service_account(tmp_path), environment)
    access.token()
    assert access.tls.cert_store_stats()["x509_ca"] == 1
    other = make_ca("another")
    (tmp_path / "ca.crt").write_bytes(CA.cert_pem + other.cert_pem)
    access.token()
    assert access.tls.cert_store_stats()["x509_ca"] == 1
    access._read_at -= 61
    access.token()
    assert access.tls.cert_store_stats()["x509_ca"] == 2
