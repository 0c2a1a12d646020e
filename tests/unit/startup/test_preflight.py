"""What would make an installation fail is found before."""

from __future__ import annotations

import pytest

from syncer.errors import Refused
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.startup import preflight
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Fault

pytestmark = pytest.mark.timeout(10)


@pytest.mark.parametrize(("filled_in", "fits"), [("local-path", True), ("", False), (None, False)])
async def test_claim_without_a_class_needs_a_default_one(
    host_api: FakeApi,
    host: Client,
    filled_in: str | None,
    fits: bool,  # noqa: FBT001
) -> None:
    def admit(plural: str, obj: Obj) -> None:
        if plural == "persistentvolumeclaims" and filled_in is not None:
            obj["spec"]["storageClassName"] = filled_in

    host_api.objects.admission.append(admit)
    if fits:
        await preflight.check_default_storage_class(host, "team-x")
    else:
        with pytest.raises(Refused, match=r"storage\.className"):
            await preflight.check_default_storage_class(host, "team-x")
    assert host_api.objects.of("persistentvolumeclaims") == []


async def test_claim_that_is_not_accepted_says_why(host_api: FakeApi, host: Client) -> None:
    host_api.faults.add(Fault("POST", status=403, message="exceeded quota"))
    with pytest.raises(Refused, match="exceeded quota"):
        await preflight.check_default_storage_class(host, "team-x")
