"""The host API server's audit log, where there is one to read: the lab's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.e2e.cluster import Obj

WRITES = ("create", "update", "patch", "delete", "deletecollection")


class Request(NamedTuple):
    """One request of the log."""

    verb: str
    resource: str
    namespace: str
    name: str
    uri: str
    code: int
    at: float
    granted: bool
    """Rights allow it; what admission thinks of it, as of a claim that grows, is another thing."""

    def __str__(self) -> str:
        return f"{self.verb} {self.uri} → {self.code}"


class AuditLog:
    """The log file of a lab; the API server moves a full one away and starts another."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def requests(self, user: str, since: float = 0.0, until: float = 0.0) -> list[Request]:
        """Return the requests of a user that were received in a span of time."""
        last = until or time.time()
        return [each for each in self._of(user, since) if since <= each.at <= last]

    def _of(self, user: str, since: float) -> Iterator[Request]:
        needle = f'"username":"{user}"'
        for file in sorted(self.path.parent.glob(f"{self.path.stem}*{self.path.suffix}")):
            if file.stat().st_mtime < since:
                continue
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if needle in line and line.endswith("}\n"):
                        yield _request(json.loads(line))


def account_user(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


def _request(entry: Obj) -> Request:
    ref = entry.get("objectRef") or {}
    resource = "/".join(filter(None, (ref.get("resource", ""), ref.get("subresource", ""))))
    received = datetime.fromisoformat(entry["requestReceivedTimestamp"])
    return Request(
        entry["verb"],
        resource,
        ref.get("namespace", ""),
        ref.get("name", ""),
        entry["requestURI"],
        int((entry.get("responseStatus") or {}).get("code", 0)),
        received.astimezone(UTC).timestamp(),
        (entry.get("annotations") or {}).get("authorization.k8s.io/decision") == "allow",
    )
