"""The virtual cluster has an APIService of ours while the host has metrics, and only then."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from syncer.kube.objects import Obj
from syncer.metricsapi.registration import NAME, NAMESPACE, Registration, Way
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
API = Place("apiservices", "", "v1beta1.metrics.k8s.io")
SERVICE = Place("services", NAMESPACE, NAME)
ROLE = Place("clusterroles", "", "virtualcluster:metrics-reader")
ALL = (API, SERVICE, ROLE)


@pytest.fixture
def registration(sides: Sides, tmp_path: Path) -> Registration:
    ca = tmp_path / "server-ca.crt"
    ca.write_bytes(b"the CA")
    return Registration(sides.virt, Way("kubelet.internal", 10349, ca))


def _there(sides: Sides) -> list[Place]:
    return [place for place in ALL if sides.virt_api.objects.find(*place) is not None]


def _theirs(sides: Sides) -> Obj:
    """A tenant's metrics-server, applied over ours: the label of ours stays on it."""
    service = {"name": "metrics-server", "namespace": NAMESPACE, "port": 443}
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "service": service}
    if sides.virt_api.objects.find(*API) is None:
        return sides.virt_api.objects.create(
            API.plural, "", {"metadata": {"name": API.name}, "spec": spec}
        )
    return sides.virt_api.objects.patch(API, {"spec": spec})


async def test_aggregator_is_led_to_our_port(sides: Sides, registration: Registration) -> None:
    assert await registration.register()
    api, service = (sides.virt_api.objects.get(place)["spec"] for place in (API, SERVICE))
    assert (api["group"], api["version"]) == ("metrics.k8s.io", "v1beta1")
    assert api["service"] == {"name": NAME, "namespace": NAMESPACE, "port": 10349}
    assert base64.b64decode(api["caBundle"]) == b"the CA"
    assert (service["type"], service["externalName"]) == ("ExternalName", "kubelet.internal")
    assert sides.virt_api.writes()[-1].resource == "apiservices", "it needs its Service"


async def test_those_who_may_see_pods_may_see_figures(
    sides: Sides, registration: Registration
) -> None:
    await registration.register()
    role = sides.virt_api.objects.get(ROLE)
    for name in ("admin", "edit", "view"):
        assert (
            role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"
        )
    assert role["rules"] == [
        {"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list"]}
    ]


async def test_nothing_is_written_when_all_is_right(
    sides: Sides, registration: Registration
) -> None:
    await registration.register()
    sides.writes()
    assert await registration.register()
    assert sides.writes() == []


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (API, {"spec": {"caBundle": "b3RoZXI="}}),
        (API, {"spec": {"service": {"port": 443}}}),
        (SERVICE, {"spec": {"externalName": "elsewhere"}}),
        (ROLE, {"rules": []}),
    ],
)
async def test_what_a_tenant_changed_is_put_right(
    sides: Sides, registration: Registration, place: Place, change: Obj
) -> None:
    await registration.register()
    before = sides.virt_api.objects.get(place)
    sides.virt_api.objects.patch(place, change)
    await registration.register()
    after = sides.virt_api.objects.get(place)
    assert {x: after.get(x) for x in ("spec", "rules")} == {
        x: before.get(x) for x in ("spec", "rules")
    }


@pytest.mark.parametrize("first", [True, False], ids=["before us", "over ours"])
async def test_tenants_own_metrics_server_is_left_alone(
    sides: Sides,
    registration: Registration,
    first: bool,  # noqa: FBT001
) -> None:
    if not first:
        await registration.register()
    _theirs(sides)
    sides.writes()
    assert not await registration.register()
    assert sides.writes() == []
    await registration.unregister()
    assert API in _there(sides)


async def test_tenants_object_of_a_name_that_is_needed_is_left_alone(
    sides: Sides, registration: Registration
) -> None:
    own = {"metadata": {"name": NAME}, "spec": {"type": "ExternalName", "externalName": "x"}}
    sides.virt_api.objects.create("services", NAMESPACE, own)
    assert not await registration.register()
    await registration.unregister()
    assert sides.virt_api.objects.get(SERVICE)["spec"]["externalName"] == "x"
    assert API not in _there(sides)


async def test_all_goes_when_the_host_has_no_metrics_any_more(
    sides: Sides, registration: Registration
) -> None:
    await registration.register()
    assert _there(sides) == list(ALL)
    await registration.unregister()
    assert _there(sides) == []
    gone = [each.resource for each in sides.virt_api.writes() if each.method == "DELETE"]
    assert gone[0] == "apiservices", "one without its Service would hinder every deletion"
    sides.writes()
    await registration.unregister()
    assert sides.writes() == []
