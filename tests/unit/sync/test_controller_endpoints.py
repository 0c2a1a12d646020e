"""Endpoints by hand: they follow their service, and the addresses of the tenant's own pods."""

from __future__ import annotations

import asyncio

import pytest

from syncer.kube.objects import Obj
from syncer.sync.kinds import BY_DEFAULT
from tests.unit.build import meta, pod, service, twin
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
ENDPOINTS = frozenset({*BY_DEFAULT, "endpoints", "endpointslices"})
OWN, STRANGER = "10.42.0.5", "10.42.0.66"


def _hand_made(ip: str = OWN) -> tuple[Obj, Obj]:
    endpoints = {"metadata": meta("db"), "subsets": [{"addresses": [{"ip": ip}]}]}
    labels = {"kubernetes.io/service-name": "db"}
    slice_ = {
        "metadata": meta("db-abc", labels=labels),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip]}],
    }
    return endpoints, slice_


def _running_pod(engine: Engine, ip: str = OWN) -> None:
    engine.virt_api.objects.create("pods", "default", pod())
    virt = engine.sides.virt_obj("pods", "web")
    assert virt is not None
    engine.sides.add_host("pods", twin(virt, "pods", status={"podIPs": [{"ip": ip}]}))


@pytest.fixture
def with_endpoints(sides: Sides) -> Engine:
    engine = Engine(sides, ENDPOINTS)
    engine.furnish()
    return engine


async def test_endpoints_that_were_there_before_their_service_follow_it(
    with_endpoints: Engine,
) -> None:
    engine = with_endpoints
    _running_pod(engine)
    endpoints, slice_ = _hand_made()
    engine.virt_api.objects.create("endpoints", "default", endpoints)
    engine.virt_api.objects.create("endpointslices", "default", slice_)
    async with engine.running():
        await asyncio.sleep(0.05)
        engine.virt_api.objects.create("services", "default", service("db", selector=None))
        await until(lambda: engine.sides.host_obj("endpoints", "db"))
        await until(lambda: engine.sides.host_obj("endpointslices", "db-abc"))


async def test_endpoints_wait_for_the_address_of_their_pod(with_endpoints: Engine) -> None:
    engine = with_endpoints
    endpoints, slice_ = _hand_made()
    engine.virt_api.objects.create("services", "default", service("db", selector=None))
    engine.virt_api.objects.create("endpoints", "default", endpoints)
    engine.virt_api.objects.create("endpointslices", "default", slice_)
    engine.virt_api.objects.create("pods", "default", pod())
    async with engine.running():
        await until(lambda: engine.host_pods() == ["web"])
        assert engine.sides.host_obj("endpoints", "db") is None
        place = engine.sides.host_place("pods", "web")
        address = {"status": {"podIPs": [{"ip": OWN}]}}
        engine.host_api.objects.patch(place, address, "status")
        await until(lambda: engine.sides.host_obj("endpoints", "db"))
        await until(lambda: engine.sides.host_obj("endpointslices", "db-abc"))


async def test_endpoints_go_with_the_address_of_their_pod(with_endpoints: Engine) -> None:
    """Threats E3: the host may give it to somebody else's pod next."""
    engine = with_endpoints
    _running_pod(engine)
    endpoints, slice_ = _hand_made()
    engine.virt_api.objects.create("services", "default", service("db", selector=None))
    engine.virt_api.objects.create("endpoints", "default", endpoints)
    engine.virt_api.objects.create("endpointslices", "default", slice_)
    async with engine.running():
        await until(lambda: engine.sides.host_obj("endpoints", "db"))
        await until(lambda: engine.sides.host_obj("endpointslices", "db-abc"))
        engine.host_api.objects.remove(engine.sides.host_place("pods", "web"))
        await until(lambda: engine.sides.host_obj("endpoints", "db") is None)
        await until(lambda: engine.sides.host_obj("endpointslices", "db-abc") is None)
