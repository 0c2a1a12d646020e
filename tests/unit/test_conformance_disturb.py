"""Only the absence of an API server excuses a failure, and only while it lasts."""

from __future__ import annotations

import pytest

from tests.conformance.disturb import AWAY, Strikes

AT = 1000.0
BACK = AT + AWAY["k3s"]


@pytest.mark.parametrize(
    ("what", "begin", "end", "excused"),
    [
        ("k3s", AT - 10, AT + 1, True),
        ("k3s", AT + 5, AT + 6, True),
        ("k3s", BACK - 1, BACK + 60, True),
        ("k3s", AT - 10, AT - 1, False),
        ("k3s", BACK + 1, BACK + 60, False),
        ("syncer", AT - 10, AT + 10, False),
        (None, AT - 10, AT + 10, False),
    ],
)
def test_excuses(what: str | None, begin: float, end: float, *, excused: bool) -> None:
    strikes = Strikes(what)
    strikes.times.append(AT)
    assert strikes.excuse(begin, end) is excused
