"""A virtual cluster in which nothing happens costs its host next to nothing."""

from __future__ import annotations

import pytest

from tests.e2e.audit import WRITES, account_user
from tests.e2e.conftest import Tenant
from tests.e2e.release import Release, Virtual
from tests.e2e.rest import Observed, Window, metrics
from tests.e2e.session import Session

MOST_MEBIBYTES = 80


@pytest.fixture(scope="module")
def observed(release: Release, virt: Virtual, session: Session, resting: Window) -> Observed:
    """What the window showed that was open while tests of other installations ran."""
    result = resting.close()
    if result.disturbed:  # by a probe that failed on a busy machine, say: then that was no rest
        session.timings.notes.append("the first window of rest was disturbed; a second one counts")
        result = Window(release, virt, session.audit).close()
    session.rests = False
    assert not result.disturbed, "the host changed pods all the while: nothing can be said"
    return result


def test_writes_are_counted_when_there_are_some(tenant: Tenant, session: Session) -> None:
    """A count that is always zero proves nothing."""
    release = tenant.release
    counts = metrics(release)
    for side in ("host", "virt"):
        made = [key for key in counts if key[0] == side and key[1] in ("POST", "CREATE")]
        assert made, f"no write to {side} was ever counted: {sorted(counts)}"
    if session.audit is not None:
        user = account_user(release.namespace, release.name)
        assert any(each.verb in WRITES for each in session.audit.requests(user, tenant.since))


def test_at_rest_nothing_is_written_to_the_host(observed: Observed) -> None:
    assert observed.seconds >= 60
    assert not {key: n for key, n in observed.writes.items() if key[0] == "host"}
    if observed.audited is None:
        pytest.skip("the host's audit log cannot be read here; the syncer's own count says zero")
    assert not observed.audited, "\n".join(map(str, observed.audited))


def test_at_rest_nothing_is_written_to_the_virtual_cluster(observed: Observed) -> None:
    assert not {key: n for key, n in observed.writes.items() if key[0] == "virt"}


def test_the_idle_syncer_is_small(release: Release, session: Session, observed: Observed) -> None:
    assert observed.seconds >= 60
    status = release.host.kubectl(
        *("exec", release.pod, "-n", release.namespace, "-c", "syncer"),
        *("--", "cat", "/proc/1/status"),
    ).out
    lines = dict(line.split(":", 1) for line in status.splitlines())
    resident = int(lines["VmRSS"].split()[0]) / 1024
    session.timings.notes.append(f"syncer at rest: {resident:.1f} MiB resident")
    assert resident < MOST_MEBIBYTES
