"""How each side's API is reached: address, TLS and credentials."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml

TOKEN_LIFE = (
    60.0  # the kubelet renews a projected token long before it ends; a minute is soon enough
)
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Access(Protocol):
    """What a client needs to know to reach an API server."""

    url: str
    tls: ssl.SSLContext

    def headers(self) -> dict[str, str]:
        """Return the headers that say who asks."""
        ...


class HostAccess:
    """The host's API as the projected service account sees it."""

    def __init__(
        self, directory: Path = SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ
    ) -> None:
        host = environment["KUBERNETES_SERVICE_HOST"]
        port = environment["KUBERNETES_SERVICE_PORT"]
        self.host = host
        self.port = int(port)
        self.url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        self._ca_file = directory / "ca.crt"
        self._ca = self._ca_file.read_text()
        self.tls = ssl.create_default_context(cadata=self._ca)
        self._token_file = directory / "token"
        self._token = ""
        self._read_at = float("-inf")

    def token(self) -> str:
        """Return the token, at most a minute old."""
        now = time.monotonic()
        if now - self._read_at > TOKEN_LIFE:
            self._token = self._token_file.read_text().strip()
            self._trust(self._ca_file.read_text())
            self._read_at = now
        return self._token

    def _trust(self, ca: str) -> None:
        """Trust a new authority of the host's beside the earlier one, which ends with this process.

        Connections that are open stay as they are; the next ones know it.
        """
        if ca != self._ca:
            self.tls.load_verify_locations(cadata=ca)
            self._ca = ca

    def headers(self) -> dict[str, str]:
        """Return the bearer header."""
        return {"Authorization": f"Bearer {self.token()}"}


class Admin(NamedTuple):
    """The administrator that k3s wrote into its kubeconfig, in either of its two forms."""

    server: str
    ca: bytes
    certificate: bytes
    key: bytes
    username: str
    password: str


class NotReadable(Exception):
    """The kubeconfig is missing or half-written: k3s rewrites it at each start, not atomically."""


def read_kubeconfig(path: Path) -> Admin:
    """Return what the kubeconfig of k3s says; raise NotReadable for anything less than whole.

    k3s up to 1.18 gives a password, later ones a client certificate (docs/k3s-contract.md, Files).
    """
    try:
        text = path.read_text()
        raw: Any = yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
        cluster = raw["clusters"][0]["cluster"]
        user = raw["users"][0]["user"]
        ca = base64.b64decode(cluster["certificate-authority-data"], validate=True)
        admin = Admin(
            str(cluster["server"] or ""),
            ca,
            base64.b64decode(user.get("client-certificate-data", ""), validate=True),
            base64.b64decode(user.get("client-key-data", ""), validate=True),
            user.get("username", ""),
            user.get("password", ""),
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise NotReadable(str(path)) from error
    except yaml.YAMLError as error:
        raise NotReadable(str(path)) from error
    # The administrator comes last in the file: cut anywhere, it lacks a part or its last newline.
    if not text.endswith("\n") or not admin.server:
        raise NotReadable(f"{path}: not whole")
    if not _is_certificate(ca):
        raise NotReadable(f"{path}: certificate-authority-data")
    if admin.password and not admin.username:
        raise NotReadable(f"{path}: username")
    if not admin.password and not (_is_certificate(admin.certificate) and _is_key(admin.key)):
        raise NotReadable(f"{path}: client-certificate-data or client-key-data")
    return admin


def _is_certificate(pem: bytes) -> bool:
    return pem.rstrip().endswith(b"-----END CERTIFICATE-----")


def _is_key(pem: bytes) -> bool:
    return pem.rstrip().endswith(b"KEY-----")


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class VirtAccess:
    """The virtual cluster's API as its administrator sees it, from inside the same pod."""

    def __init__(self, admin: Admin) -> None:
        self.tls = ssl.create_default_context(cadata=admin.ca.decode())
        self.renew(admin)

    def renew(self, admin: Admin) -> None:
        """Be this administrator from the next connection on; an authority of before is trusted on.

        That one ends with this process.
        """
        self.admin = admin
        self.url = admin.server
        self.tls.load_verify_locations(cadata=admin.ca.decode())
        if admin.certificate:
            with key_pair_files(admin.certificate, admin.key) as (certificate, key):
                self.tls.load_cert_chain(certificate, key)

    def headers(self) -> dict[str, str]:
        """Return the basic-auth header where k3s is that old."""
        if not self.admin.password:
            return {}
        pair = f"{self.admin.username}:{self.admin.password}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


@contextlib.contextmanager
def key_pair_files(certificate: bytes, key: bytes) -> Iterator[tuple[str, str]]:
    """Give the pair as files that only we can read and that are gone afterwards.

    Python's ssl loads key pairs from files only.
    """
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name, content in (("crt", certificate), ("key", key)):
            path = Path(directory) / name
            path.touch(mode=0o600)
            path.write_bytes(content)
            paths.append(str(path))
        yield paths[0], paths[1]
