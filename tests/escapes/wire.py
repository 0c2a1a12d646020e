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

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "SPDY/3.1",
    "X-Stream-Protocol-Version": "v4.channel.k8s.io",
}
SECONDS = 20.0


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


def listens(address: str, port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=3):
            return True
    except OSError:
        return False
