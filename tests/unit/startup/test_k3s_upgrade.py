"""Which k3s may start on a datastore that another one served."""

from __future__ import annotations

import pytest

from syncer.errors import Refused
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.startup import discover, k3s_upgrade
from tests.unit.build import IDENT
from tests.unit.fake_api import FakeApi
from tests.unit.fake_objects import Place
from tests.unit.startup.test_discover import FOUND, release

__all__ = ["release"]  # a fixture
pytestmark = pytest.mark.timeout(10)


def _served(host_api: FakeApi, version: str | None) -> Obj:
    """Let an earlier start have written this down; return it."""
    data = {"SERVICE_IP": "10.96.0.9"} | ({k3s_upgrade.RECORD: version} if version else {})
    obj = {"metadata": {"name": FOUND.name}, "data": data}
    host_api.objects.create("configmaps", "team-x", obj)
    return data


@pytest.mark.parametrize(
    ("ran", "wanted", "reason"),
    [
        ("1.34.4", "1.34.4", None),
        ("1.34.4", "1.34.1", None),
        ("1.34.4", "1.35.0", None),
        ("1.9.4", "1.10.0", None),
        ("1.34.4", "1.36.0", "must not skip a minor version; go to k3s 1.35 first"),
        ("1.18.6", "1.30.1", "must not skip a minor version; go to k3s 1.19 first"),
        ("1.34.4", "1.33.9", "cannot go back a minor version; stay with k3s 1.34"),
        ("", "1.36.0", None),  # a new datastore
        ("1.34.4", "", None),  # an image whose k3s nobody knows, or no data that would stay
    ],
)
def test_k3s_goes_up_one_minor_version_at_a_time(ran: str, wanted: str, reason: str | None) -> None:
    if reason is None:
        k3s_upgrade.check_step(IDENT, ran, wanted)
        return
    with pytest.raises(Refused, match=reason) as caught:
        k3s_upgrade.check_step(IDENT, ran, wanted)
    assert f"remove {k3s_upgrade.RECORD} from the ConfigMap vc-discovered" in str(caught.value)


async def test_a_jump_is_refused_before_anything_is_written(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    data = _served(host_api, "1.34.4")
    with pytest.raises(Refused, match="must not skip a minor version"):
        await discover.discover(host, IDENT, [], reserve_dns=True, k3s_version="1.36.0")
    assert host_api.objects.get(FOUND)["data"] == data


async def test_what_served_last_is_remembered_from_start_to_start(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    _served(host_api, "1.34.4")
    await discover.discover(host, IDENT, [], reserve_dns=True, k3s_version="1.35.0")
    # Not 1.35 yet: it has not served anything.
    assert host_api.objects.get(FOUND)["data"][k3s_upgrade.RECORD] == "1.34.4"


@pytest.mark.parametrize(
    ("git_version", "before", "after"),
    [
        ("v1.34.4+k3s1", None, "1.34.4"),
        ("v1.35.0", "1.34.4", "1.35.0"),
        ("v1.35.0", "1.35.0", "1.35.0"),
        ("v0.0.0-master+$Format:%h$", "1.16.13", "1.16.13"),
        ("unknown", "1.34.4", "1.34.4"),
    ],
)
async def test_what_serves_is_written_down(
    host_api: FakeApi, host: Client, git_version: str, before: str | None, after: str
) -> None:
    data = _served(host_api, before)
    await k3s_upgrade.record(host, IDENT, git_version)
    assert host_api.objects.get(FOUND)["data"] == data | {k3s_upgrade.RECORD: after}
