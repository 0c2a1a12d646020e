"""The door: GET tells what is out, PUT /<guard> takes one out, DELETE puts all back."""

from __future__ import annotations

import http.server
import json
import threading
from http import HTTPStatus
from typing import Any

from .registry import GUARDS, Patch

PORT = 8099


class Door(http.server.BaseHTTPRequestHandler):
    """Answers the run, through the host API's pod proxy."""

    patch = Patch()
    out: list[str]

    def do_GET(self) -> None:
        """Tell what is out."""
        self._tell()

    def do_PUT(self) -> None:
        """Take one out."""
        from . import load  # noqa: PLC0415  the syncer's modules are there by now

        load.all_()
        name = self.path.strip("/")
        if name not in GUARDS:
            self.send_error(HTTPStatus.NOT_FOUND, name)
            return
        GUARDS[name].out(Door.patch)
        Door.out.append(name)
        self._tell()

    def do_DELETE(self) -> None:
        """Put all back."""
        Door.patch.restore()
        Door.out.clear()
        self._tell()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the log is the syncer's."""

    def _tell(self) -> None:
        body = json.dumps({"out": Door.out}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


Door.out = []


def open_() -> None:
    """Answer from now on, beside the syncer."""
    server = http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Door)  # noqa: S104 (a lab's pod)
    threading.Thread(target=server.serve_forever, name="door", daemon=True).start()
