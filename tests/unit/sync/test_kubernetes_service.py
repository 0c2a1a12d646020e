"""`default/kubernetes` of the virtual cluster leads to us, whoever says otherwise."""

import pytest

from syncer.kube.objects import Obj
from syncer.sync.cluster_ip import PLACEHOLDER
from syncer.sync.kubernetes_service import KEY, ApiService
from tests.unit.build import API_IP, service
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
PLACE = Place("services", "default", "kubernetes")
ENDPOINTS = PLACE._replace(plural="endpoints")
OURS = [
    {
        "addresses": [{"ip": "10.42.0.9"}],
        "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
    }
]


def _api(sides: Sides) -> ApiService:
    return ApiService(sides.world, sides.virt, "10.42.0.9", 8443)


def _theirs() -> Obj:
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
    return service("kubernetes", clusterIP="10.96.0.1", ports=ports, selector=None)


def _endpoints(sides: Sides) -> object:
    return sides.virt_api.objects.get(ENDPOINTS)["subsets"]


async def test_service_gets_our_address_in_place_and_its_endpoints_our_pods(sides: Sides) -> None:
    before = sides.add_virt("services", _theirs())
    await _api(sides).reconcile(KEY)
    after = sides.virt_api.objects.get(PLACE)
    assert after["spec"]["clusterIP"] == API_IP
    assert after["spec"]["ports"] == before["spec"]["ports"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert _endpoints(sides) == OURS
    assert sides.host_api.writes() == []


async def test_nothing_is_written_when_all_is_right(sides: Sides) -> None:
    sides.add_virt("services", _theirs())
    api = _api(sides)
    await sides.settle(api.reconcile, KEY, most=2)


@pytest.mark.parametrize("other", [[], [{"addresses": [{"ip": "1.2.3.4"}], "ports": []}]])
async def test_endpoints_that_a_tenant_changed_are_put_right(
    sides: Sides, other: list[Obj]
) -> None:
    """Threats E7."""
    sides.add_virt("services", _theirs())
    api = _api(sides)
    await api.reconcile(KEY)
    changed = sides.virt_api.objects.patch(ENDPOINTS, {"subsets": other})
    api.endpoints.put(changed)
    await api.reconcile(KEY)
    assert _endpoints(sides) == OURS


async def test_endpoints_that_were_there_before_us_are_taken_over(sides: Sides) -> None:
    meta = {"name": "kubernetes", "namespace": "default"}
    sides.add_virt("endpoints", {"metadata": meta, "subsets": []})
    await _api(sides).reconcile(KEY)
    assert _endpoints(sides) == OURS


async def test_deleted_service_is_the_api_servers_to_make_again(sides: Sides) -> None:
    await _api(sides).reconcile(KEY)
    assert sides.virt_api.objects.find(*PLACE) is None
    assert _endpoints(sides) == OURS


async def test_move_that_a_restart_interrupted_is_finished(sides: Sides) -> None:
    sides.add_virt("services", _theirs())
    sides.virt_api.faults.add(Fault("PUT", "services", status=500, commit=True))
    with pytest.raises(Exception, match="500"):
        await _api(sides).reconcile(KEY)
    assert sides.virt_api.objects.get(PLACE)["spec"]["externalName"] == PLACEHOLDER
    sides.sync()
    await _api(sides).reconcile(KEY)
    assert sides.virt_api.objects.get(PLACE)["spec"]["clusterIP"] == API_IP
