"""Which writes of a syncer that was restarted are about nothing that has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.audit import AuditLog
from tools.bench.scenarios.restart import PROBE, unchanged

USER = "system:serviceaccount:s:vc"


def entry(
    verb: str, resource: str, name: str, second: int = 30, user: str = USER, code: int = 200
) -> str:
    uri = f"/api/v1/namespaces/s/{resource}/{name}"
    return json.dumps(
        {
            "verb": verb,
            "user": {"username": user},
            "requestURI": uri,
            "objectRef": {"resource": resource, "namespace": "s", "name": name},
            "responseStatus": {"code": code},
            "requestReceivedTimestamp": f"2026-01-01T00:00:{second:02}.000000Z",
        },
        separators=(",", ":"),
    )


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (entry("patch", "pods", "a"), True),
        (entry("create", "secrets", "a"), True),
        (entry("delete", "pods", "a"), True),
        (entry("create", "secrets", "a", code=409), False),
        (entry("get", "pods", "a"), False),
        (entry("list", "pods", ""), False),
        (entry("create", "pods", f"{PROBE}-x-bench-x-vc"), False),
        (entry("create", "selfsubjectrulesreviews", ""), False),
        (entry("patch", "pods", "a", second=10), False),
        (entry("delete", "pods", "a", second=50), False),
        (entry("patch", "pods", "a", user="admin"), False),
    ],
)
def test_writes_that_are_about_nothing(tmp_path: Path, line: str, *, counts: bool) -> None:
    """Nothing was: by reading, refused, for the probe, before or afterwards, by others."""
    log = tmp_path / "audit.log"
    log.write_text(f"{line}\n")
    found = unchanged(AuditLog(log), USER, since=1767225620.0, until=1767225640.0)
    assert bool(found) is counts
