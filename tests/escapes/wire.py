"""Requests as they are written, for paths and headers that a client library would tidy up."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.e2e.shell import Program

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "SPDY/3.1",
    "X-Stream-Protocol-Version": "v4.channel.k8s.io",
}
FORWARD = {**UPGRADE, "X-Stream-Protocol-Version": "portforward.k8s.io"}
SECONDS = 20.0


ASK = """
import http.client, json, os, ssl, sys
request = json.load(sys.stdin)
tls = ssl._create_unverified_context()
if request["pair"]:
    file = os.memfd_create("pair")
    os.write(file, request["pair"].encode())
    tls.load_cert_chain(f"/proc/self/fd/{file}")
else:
    pair = "/data/server/tls/client-kube-apiserver"
    tls.load_cert_chain(pair + ".crt", pair + ".key")
connection = http.client.HTTPSConnection("127.0.0.1", request["port"], timeout=15, context=tls)
try:
    connection.putrequest(request["method"], request["path"], skip_accept_encoding=True)
    for key, value in request["headers"].items():
        connection.putheader(key, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = "" if answer.status == 101 else answer.read(20000).decode(errors="replace")
    print(json.dumps({"status": answer.status, "body": body}))
except (OSError, ValueError, http.client.HTTPException) as error:
    print(json.dumps({"status": 599, "body": repr(error)}))
"""
"""Runs in the syncer's container, which has k3s' files and its loopback."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: str

    @property
    def opened(self) -> bool:
        """Tell whether it is what was asked for, or a stream of it."""
        return self.status < 300


class Wire:
    """One API server, under the certificate of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._place = urlsplit(cluster["server"])
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._anonymous = ssl.create_default_context(cadata=ca)
        self._tls = ssl.create_default_context(cadata=ca)
        user = config["users"][0]["user"]
        with tempfile.TemporaryDirectory() as directory:
            pair = []
            for name in ("client-certificate-data", "client-key-data"):
                file = Path(directory) / name
                file.touch(mode=0o600)
                file.write_bytes(base64.b64decode(user[name]))
                pair.append(str(file))
            self._tls.load_cert_chain(*pair)

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        *,
        anonymous: bool = False,
    ) -> Answer:
        """Send one request and return the start of its answer."""
        tls = self._anonymous if anonymous else self._tls
        connection = http.client.HTTPSConnection(
            str(self._place.hostname), self._place.port, timeout=SECONDS, context=tls
        )
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for key, value in (headers or {}).items():
                connection.putheader(key, value)
            connection.endheaders()
            response = connection.getresponse()
            text = (
                ""
                if response.status == http.HTTPStatus.SWITCHING_PROTOCOLS
                else response.read(20000).decode(errors="replace")
            )
            return Answer(response.status, text)
        except (OSError, http.client.HTTPException) as error:
            return Answer(599, repr(error))
        finally:
            connection.close()


class Kubelet:
    """The kubelet endpoint, asked as the virtual API server asks it: with its certificate.

    That API server proxies to no loopback address, so that no tenant comes this far by nodes/proxy;
    what the endpoint does if one did is tried here.
    """

    def __init__(self, kubectl: Program, namespace: str, pod: str, port: int) -> None:
        self._exec = (
            "exec",
            "-i",
            pod,
            "-n",
            namespace,
            "-c",
            "syncer",
            "--",
            "python3",
            "-c",
            ASK,
        )
        self._kubectl = kubectl
        self._port = port

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        *,
        pair: str = "",
    ) -> Answer:
        """Send one request, as whoever has this certificate and key (PEM); return its answer."""
        request = {
            "port": self._port,
            "path": path,
            "method": method,
            "headers": headers or {},
            "pair": pair,
        }
        done = self._kubectl(*self._exec, stdin=json.dumps(request).encode())
        answer = json.loads(done.out)
        return Answer(answer["status"], answer["body"])


def listens(address: str, port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=3):
            return True
    except OSError:
        return False
