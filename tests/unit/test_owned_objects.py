"""The syncer's own host objects: made once, owned by the anchor, written only when they differ."""

import pytest

from syncer.errors import Forbidden
from syncer.kube.client import Client
from syncer.kube.resources import CONFIGMAPS
from syncer.owned_objects import keep
from tests.unit.build import IDENT
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place

pytestmark = pytest.mark.timeout(10)
PLACE = Place("configmaps", "team-x", "vc-x")


async def _keep(host: Client, **data: str) -> None:
    await keep(host, IDENT, CONFIGMAPS, "vc-x", {"data": data})


async def test_object_is_made_and_owned_by_the_anchor(host_api: FakeApi, host: Client) -> None:
    await _keep(host, a="1")
    made = host_api.objects.get(PLACE)
    assert made["data"] == {"a": "1"}
    assert made["metadata"]["ownerReferences"] == [IDENT.owner()]
    assert made["kind"] == "ConfigMap"
    assert not IDENT.is_ours(made)  # it is the twin of nothing


@pytest.mark.parametrize(
    ("before", "wanted", "after", "written"),
    [
        ({"a": "1"}, {"a": "1"}, {"a": "1"}, False),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}, True),
        ({"a": "1", "b": "2"}, {"a": "1"}, {"a": "1"}, True),
        (None, {"a": "1"}, {"a": "1"}, True),
    ],
)
async def test_data_is_exactly_what_it_should_be(
    host_api: FakeApi,
    host: Client,
    before: dict[str, str] | None,
    wanted: dict[str, str],
    after: dict[str, str],
    written: bool,  # noqa: FBT001
) -> None:
    there = {"metadata": {"name": "vc-x", "labels": {"theirs": "1"}}, "data": before}
    host_api.objects.create("configmaps", "team-x", there)
    version = host_api.objects.version
    await _keep(host, **wanted)
    made = host_api.objects.get(PLACE)
    assert made["data"] == after
    assert made["metadata"]["labels"] == {"theirs": "1"}
    assert (host_api.objects.version != version) is written


async def test_errors_pass_through(host_api: FakeApi, host: Client) -> None:
    host_api.faults.add(Fault("POST", status=403))
    with pytest.raises(Forbidden):
        await _keep(host, a="1")
