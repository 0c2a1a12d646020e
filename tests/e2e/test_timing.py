"""How long an installation takes. Reported, never failed by: machines differ."""

from __future__ import annotations

import pytest

from tests.e2e.session import BASELINE, Session

WANTED = 5


@pytest.mark.slow
def test_installing_takes_as_long_as_is_reported(session: Session) -> None:
    """Those that other tests did alone on the machine count as well."""
    while len(session.timings.seconds) < WANTED:
        number = len(session.timings.seconds)
        release = session.release("virtualcluster", session.namespace(f"time-{number}", BASELINE))
        session.install(release)
        session.uninstall(release)
    assert session.timings.median() > 0
