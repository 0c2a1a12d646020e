"""The table of kinds: which objects have a twin, above all which endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.kube import resources
from syncer.kube.objects import Key, Obj
from syncer.sync import kinds
from syncer.sync.generic import Mirror
from syncer.sync.kinds import KINDS
from tests.unit.build import meta, pod, service, twin, world
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
OWN = "10.42.0.5"


def _endpoints(name: str = "web", ip: str = OWN) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": meta(name),
        "subsets": [{"addresses": [{"ip": ip}], "ports": [{"port": 80, "protocol": "TCP"}]}],
    }


def _slice(owners: list[Obj] | None = None, **labels: str) -> Obj:
    named = {"kubernetes.io/service-name": "web", **labels}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta("web-abc", labels=named, ownerReferences=owners or []),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [OWN]}],
    }


def _wanted(kind: str, virt: Obj, *services: Obj) -> bool:
    made = world()
    for each in services:
        made.virt["services"].put(each)
    name, namespace = virt["metadata"]["name"], virt["metadata"]["namespace"]
    return KINDS[kind].wanted(Key(kind, namespace, name), virt, made)


SELECTORLESS = service(selector=None)


@pytest.mark.parametrize(
    ("services", "wanted"),
    [
        ([], False),
        ([SELECTORLESS], True),
        ([service(selector={})], True),
        ([service()], False),  # the host makes them itself
        ([service(type="ExternalName", selector=None)], False),
        ([service("other", selector=None)], False),
        ([service("web", "other", selector=None)], False),
    ],
)
def test_endpoints_have_a_twin_when_their_service_has_one_and_no_selector(
    services: list[Obj],
    wanted: bool,  # noqa: FBT001
) -> None:
    assert _wanted("endpoints", _endpoints(), *services) is wanted
    assert _wanted("endpointslices", _slice(), *services) is wanted


MANAGED = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = [{"kind": "Service", "name": "web", "uid": "u", "controller": True}]


@pytest.mark.parametrize(
    ("owners", "labels", "wanted"),
    [
        ([], {}, True),
        ([], {MANAGED: "me.example"}, True),
        (CONTROLLER, {MANAGED: "me.example"}, False),
        ([], {MANAGED: "endpointslicemirroring-controller.k8s.io"}, False),
        (CONTROLLER, {MANAGED: "endpointslice-controller.k8s.io"}, False),
    ],
)
def test_slice_that_a_controller_made_has_no_twin(
    owners: list[Obj],
    labels: dict[str, str],
    wanted: bool,  # noqa: FBT001
) -> None:
    """Behind it stand Endpoints by hand, which the host mirrors itself."""
    assert _wanted("endpointslices", _slice(owners, **labels), SELECTORLESS) is wanted


def test_api_servers_own_endpoints_have_no_twin() -> None:
    theirs = service("kubernetes", selector=None)
    assert not _wanted("endpoints", _endpoints("kubernetes"), theirs)


def _running(sides: Sides, ip: str = OWN) -> None:
    sides.add_host("pods", twin(pod(), "pods", status={"podIPs": [{"ip": ip}]}))


async def test_endpoints_of_own_pods_stand_under_the_twins_name(sides: Sides) -> None:
    _running(sides)
    sides.add_virt("services", SELECTORLESS)
    sides.add_virt("endpoints", _endpoints())
    key = Key("endpoints", "default", "web")
    mirror = Mirror(KINDS["endpoints"], sides.world, sides.virt, sides.host)
    await sides.settle(mirror.reconcile, key, most=2)
    host = sides.host_obj("endpoints", "web")
    assert host is not None
    assert host["metadata"]["name"] == "web-x-default-x-vc"
    assert host["subsets"] == _endpoints()["subsets"]


async def test_endpoints_that_the_host_made_of_our_service_are_left_alone(sides: Sides) -> None:
    """The host's controller copies the labels of the Service, our mark among them."""
    sides.add_virt("services", service())
    sides.add_virt("endpoints", _endpoints())
    theirs = twin(_endpoints(), "endpoints", subsets=[{"ports": [{"port": 80}]}])
    theirs["metadata"] |= {"name": "web-x-default-x-vc", "annotations": {}}
    before = sides.add_host("endpoints", theirs)
    mirror = Mirror(KINDS["endpoints"], sides.world, sides.virt, sides.host)
    await mirror.reconcile(Key("endpoints", "default", "web"))
    assert sides.host_obj("endpoints", "web") == before
    assert sides.host_api.writes() == []


async def test_slice_of_own_pods_is_at_rest_after_one_write(sides: Sides) -> None:
    _running(sides)
    sides.add_virt("services", SELECTORLESS)
    sides.add_virt("endpointslices", _slice())
    mirror = Mirror(KINDS["endpointslices"], sides.world, sides.virt, sides.host)
    await sides.settle(mirror.reconcile, Key("endpointslices", "default", "web-abc"), most=2)


def test_every_kind_is_found_by_its_own_name_and_resource() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name == kind.resource.plural
    assert {*kinds.BY_DEFAULT, *kinds.OPT_IN} == {*KINDS, resources.PODS.plural}
    assert not set(kinds.BY_DEFAULT) & set(kinds.OPT_IN)


def test_only_claims_are_final_since_only_they_hold_data() -> None:
    final: list[Any] = [name for name, kind in KINDS.items() if kind.final]
    assert final == ["persistentvolumeclaims"]
