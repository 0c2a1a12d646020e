"""Services on both sides: one address, one node port, and never another UID."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from syncer import identity
from syncer.errors import BadRequest, Conflict, Refused
from syncer.identity import MANAGED_BY, NAMESPACE
from syncer.kube.objects import Key, Obj
from syncer.sync.cluster_ip import PLACEHOLDER, RESTORE
from syncer.sync.kinds import KINDS
from syncer.sync.services import ServiceMirror
from tests.unit.build import service, twin
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
WEB = Key("services", "default", "web")
PLACE = Place("services", "default", "web")
IP = "10.96.0.50"


def _mirror(sides: Sides) -> ServiceMirror:
    return ServiceMirror(KINDS["services"], sides.world, sides.virt, sides.host)


def _spec(obj: Obj | None) -> Obj:
    assert obj is not None
    spec: Obj = obj["spec"]
    return spec


def _ip(obj: Obj | None) -> str:
    return str(_spec(obj).get("clusterIP"))


def _node_ports(obj: Obj | None) -> list[int | None]:
    return [port.get("nodePort") for port in _spec(obj)["ports"]]


def _both(sides: Sides) -> tuple[Obj, Obj]:
    virt, host = sides.virt_obj("services", "web"), sides.host_obj("services", "web")
    assert virt is not None
    assert host is not None
    return virt, host


def _take_host_ip(sides: Sides, ip: str = IP) -> None:
    other = service("neighbour", clusterIP=ip)
    other["metadata"].pop("namespace")
    sides.add_host("services", other)


async def test_twin_has_the_same_address(sides: Sides) -> None:
    sides.add_virt("services", service())
    await sides.settle(_mirror(sides).reconcile, WEB, most=2)
    virt, host = _both(sides)
    assert _ip(virt) == _ip(host) == IP
    assert host["spec"]["selector"][MANAGED_BY] == "vc"
    assert host["spec"]["selector"][NAMESPACE] == "default"


async def test_virtual_service_takes_the_hosts_address_in_place_when_its_own_is_taken(
    sides: Sides,
) -> None:
    """Threats R2: a tenant's object is never re-created to change a field."""
    _take_host_ip(sides)
    annotations = {"tenant": "note"}
    before = sides.add_virt(
        "services",
        service(sessionAffinity="ClientIP", metadata={"annotations": annotations}),
    )
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _ip(virt) == _ip(host) != IP
    assert virt["metadata"]["uid"] == before["metadata"]["uid"]
    assert virt["metadata"]["annotations"] == annotations
    expected = {**before["spec"], "clusterIP": _ip(host), "clusterIPs": [_ip(host)]}
    assert virt["spec"] == expected
    assert not sides.asked("virt", "DELETE", "services")


async def test_move_that_a_restart_interrupted_is_finished(sides: Sides) -> None:
    _take_host_ip(sides)
    before = sides.add_virt("services", service())
    mirror = _mirror(sides)
    sides.virt_api.faults.add(Fault("PUT", "services", status=500, commit=True))
    with pytest.raises(Exception, match="500"):
        await mirror.reconcile(WEB)
    away = sides.virt_obj("services", "web")
    assert _spec(away)["type"] == "ExternalName"
    assert _spec(away)["externalName"] == PLACEHOLDER
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _ip(virt) == _ip(host)
    assert virt["spec"]["type"] == "ClusterIP"
    assert virt["metadata"]["uid"] == before["metadata"]["uid"]
    assert RESTORE not in virt["metadata"].get("annotations", {})


async def test_twin_stays_while_the_virtual_service_is_on_its_way(sides: Sides) -> None:
    """An interrupted move looks like an ExternalName service, which has no twin."""
    sides.add_virt("services", service())
    await _mirror(sides).reconcile(WEB)
    spec = {"type": "ExternalName", "externalName": PLACEHOLDER}
    found = sides.virt_obj("services", "web")
    restore = {RESTORE: orjson.dumps(_spec(found)).decode()}
    sides.virt_api.objects.patch(PLACE, {"spec": spec, "metadata": {"annotations": restore}})
    await sides.settle(_mirror(sides).reconcile, WEB)
    assert not sides.asked("host", "DELETE", "services")
    assert _ip(_both(sides)[0]) == IP


async def test_restore_note_that_a_tenant_wrote_is_no_bug_of_ours(sides: Sides) -> None:
    """Threats C7: the note is the tenant's to forge, on the tenant's own Service."""
    for note in ("garbage", "[]", '"text"', "{}", '{"ports":1}', '{"ports":[1]}'):
        sides.add_virt("services", service("web", metadata={"annotations": {RESTORE: note}}))
        await sides.settle(_mirror(sides).reconcile, WEB)
        virt, _ = _both(sides)
        assert RESTORE not in virt["metadata"].get("annotations", {})
        sides.virt_api.objects.remove(PLACE)
        await sides.settle(_mirror(sides).reconcile, WEB)


async def test_change_during_the_move_is_a_conflict_and_is_kept(sides: Sides) -> None:
    _take_host_ip(sides)
    sides.add_virt("services", service())
    change = {"spec": {"ports": [{"port": 81, "protocol": "TCP", "targetPort": 81}]}}
    sides.virt_api.objects.patch(PLACE, change)  # and the watch has not shown it
    with pytest.raises(Conflict):
        await _mirror(sides).reconcile(WEB)
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert [port["port"] for port in virt["spec"]["ports"]] == [81]
    assert [port["port"] for port in host["spec"]["ports"]] == [81]


async def test_address_that_is_taken_on_both_sides_is_found_in_the_end(sides: Sides) -> None:
    _take_host_ip(sides)
    sides.add_virt("services", service("other", clusterIP="10.96.0.100"))  # what the host gives
    sides.add_virt("services", service())
    mirror = _mirror(sides)
    other = Key("services", "default", "other")
    for _ in range(4):
        for key in (WEB, other):
            sides.sync()
            await mirror.reconcile(key)
    for name in ("web", "other"):
        assert _ip(sides.virt_obj("services", name)) == _ip(sides.host_obj("services", name))


async def test_headless_service_is_headless_on_the_host(sides: Sides) -> None:
    sides.add_virt("services", service(clusterIP="None"))
    await sides.settle(_mirror(sides).reconcile, WEB, most=2)
    assert _ip(_both(sides)[1]) == "None"


# --- node ports


def _node_port(port: int | None = None) -> Obj:
    number: dict[str, Any] = {} if port is None else {"nodePort": port}
    return service(type="NodePort", ports=[{"port": 80, "protocol": "TCP", **number}])


async def test_node_port_is_the_same_on_both_sides(sides: Sides) -> None:
    sides.add_virt("services", _node_port())
    await sides.settle(_mirror(sides).reconcile, WEB, most=2)
    virt, host = _both(sides)
    assert _node_ports(virt) == _node_ports(host) != [None]


async def test_virtual_service_takes_the_hosts_node_port_when_its_own_is_taken(
    sides: Sides,
) -> None:
    neighbour = _node_port(30005)
    neighbour["metadata"] |= {"name": "neighbour"}
    neighbour["spec"].pop("clusterIP")
    sides.add_host("services", neighbour)
    before = sides.add_virt("services", _node_port(30005))
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _node_ports(virt) == _node_ports(host) != [30005]
    assert virt["metadata"]["uid"] == before["metadata"]["uid"]


def _take_node_port(sides: Sides, number: int) -> None:
    neighbour = _node_port(number)
    neighbour["metadata"] |= {"name": "neighbour"}
    neighbour["spec"].pop("clusterIP")
    sides.add_host("services", neighbour)


async def test_service_that_becomes_a_node_port_takes_the_hosts_when_its_own_is_taken(
    sides: Sides,
) -> None:
    _take_node_port(sides, 30005)
    sides.add_virt("services", service())
    await sides.settle(_mirror(sides).reconcile, WEB)
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30005}]
    sides.virt_api.objects.patch(PLACE, {"spec": {"type": "NodePort", "ports": ports}})
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _node_ports(virt) == _node_ports(host) != [30005]


@pytest.mark.parametrize(
    ("wanted", "taken", "expected"), [(30007, None, 30007), (30007, 30007, 30005)]
)
async def test_node_port_that_the_tenant_changes_is_asked_for(
    sides: Sides, wanted: int, taken: int | None, expected: int
) -> None:
    if taken:
        _take_node_port(sides, taken)
    sides.add_virt("services", _node_port(30005))
    await sides.settle(_mirror(sides).reconcile, WEB)
    ports = [{"port": 80, "protocol": "TCP", "nodePort": wanted}]
    sides.virt_api.objects.patch(PLACE, {"spec": {"ports": ports}})
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _node_ports(virt) == _node_ports(host) == [expected]


async def test_node_port_of_the_host_that_the_virtual_api_does_not_take_is_told(
    sides: Sides,
) -> None:
    _take_node_port(sides, 30005)
    sides.add_virt("services", _node_port(30005))
    fault = Fault("PATCH", "services", status=422, reason="Invalid", message="not in the range")
    sides.virt_api.faults.add(fault)
    with pytest.raises(Refused, match="not in the range") as caught:
        await _mirror(sides).reconcile(WEB)
    assert caught.value.reason == "NodePortDiffers"


@pytest.mark.parametrize(("before", "after"), [("None", IP), (IP, "None")])
async def test_service_that_was_headless_or_becomes_it_unseen_gets_another_twin(
    sides: Sides, before: str, after: str
) -> None:
    """Only by way of ExternalName can a tenant do so; a restart in between misses that."""
    sides.add_virt("services", service(clusterIP=before))
    await sides.settle(_mirror(sides).reconcile, WEB)
    sides.virt_api.objects.patch(PLACE, {"spec": {"type": "ExternalName"}})
    sides.virt_api.objects.patch(PLACE, {"spec": {"type": "ClusterIP", "clusterIP": after}})
    sides.sync()
    with pytest.raises(Conflict):
        await _mirror(sides).reconcile(WEB)
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _ip(virt) == _ip(host) == after


async def test_change_that_the_host_refuses_for_another_reason_is_an_error(sides: Sides) -> None:
    sides.add_virt("services", service())
    await sides.settle(_mirror(sides).reconcile, WEB)
    sides.virt_api.objects.patch(PLACE, {"spec": {"sessionAffinity": "ClientIP"}})
    sides.sync()
    sides.host_api.faults.add(Fault("PATCH", "services", status=422, message="something else"))
    with pytest.raises(BadRequest, match="something else"):
        await _mirror(sides).reconcile(WEB)


async def test_service_that_is_no_longer_a_node_port_gives_it_back(sides: Sides) -> None:
    sides.add_virt("services", _node_port())
    await sides.settle(_mirror(sides).reconcile, WEB)
    sides.virt_api.objects.patch(PLACE, {"spec": {"type": "ClusterIP"}})
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _node_ports(virt) == _node_ports(host) == [None]


# --- what has a twin


async def test_external_name_stays_virtual_and_takes_its_twin_away(sides: Sides) -> None:
    """Threats E2."""
    sides.add_virt("services", service())
    await sides.settle(_mirror(sides).reconcile, WEB)
    change = {"spec": {"type": "ExternalName", "externalName": "x.example"}}
    sides.virt_api.objects.patch(PLACE, change)
    await sides.settle(_mirror(sides).reconcile, WEB)
    assert sides.host_obj("services", "web") is None
    sides.virt_api.objects.patch(PLACE, {"spec": {"type": "ClusterIP", "externalName": None}})
    await sides.settle(_mirror(sides).reconcile, WEB)
    virt, host = _both(sides)
    assert _ip(virt) == _ip(host)


async def test_api_servers_own_service_is_not_this_modules(sides: Sides) -> None:
    sides.add_virt("services", service("kubernetes", clusterIP="10.96.0.1"))
    await _mirror(sides).reconcile(Key("services", "default", "kubernetes"))
    assert sides.writes() == []


async def test_reserved_dns_service_becomes_the_twin_and_keeps_its_address(sides: Sides) -> None:
    key = Key("services", "kube-system", "kube-dns")
    virt = service("kube-dns", "kube-system", clusterIP="10.96.0.10")
    reserved = twin(virt, "services")
    reserved["spec"] = {"clusterIP": "10.96.0.10", "ports": [{"port": 53, "name": "dns"}]}
    reserved["spec"]["selector"] = {identity.PREFIX + "reserved": "vc"}
    reserved["metadata"]["annotations"][identity.UID] = identity.RESERVED
    made = sides.add_host("services", reserved)
    await _mirror(sides).reconcile(key)
    assert sides.writes() == []  # nothing to do until the virtual cluster has it
    virt = sides.add_virt("services", virt)
    await sides.settle(_mirror(sides).reconcile, key)
    host = sides.host_obj("services", "kube-dns", "kube-system")
    assert host is not None
    assert host["metadata"]["uid"] == made["metadata"]["uid"]
    assert host["metadata"]["annotations"][identity.UID] == virt["metadata"]["uid"]
    assert identity.PREFIX + "reserved" not in host["spec"]["selector"]
    assert _ip(host) == "10.96.0.10"


async def test_address_of_a_deleted_twin_is_waited_for(sides: Sides) -> None:
    """Threats R10: running pods know the address; the host frees it a moment after the deletion."""
    sides.add_virt("services", service())
    mirror = _mirror(sides)
    await sides.settle(mirror.reconcile, WEB)
    sides.host_api.objects.remove(sides.host_place("services", "web"))
    _take_host_ip(sides)
    for _ in range(3):
        sides.sync()
        with pytest.raises(Conflict):
            await mirror.reconcile(WEB)
    sides.host_api.objects.remove(Place("services", "team-x", "neighbour"))
    await sides.settle(mirror.reconcile, WEB)
    assert _ip(_both(sides)[1]) == IP


async def test_name_that_is_taken_on_the_host_is_refused(sides: Sides) -> None:
    """Threats D4."""
    stranger = twin(service(clusterIP="10.96.0.60"), "services")
    stranger["metadata"] |= {"labels": {}, "annotations": {}}
    before = sides.add_host("services", stranger)
    sides.add_virt("services", service())
    with pytest.raises(Refused, match="left alone"):
        await _mirror(sides).reconcile(WEB)
    assert sides.host_obj("services", "web") == before


@pytest.mark.parametrize("message", ["spec.ports: Required value", "too long"])
async def test_refusal_of_the_host_for_other_reasons_passes_through(
    sides: Sides, message: str
) -> None:
    sides.add_virt("services", service())
    sides.host_api.faults.add(Fault("POST", status=422, reason="Invalid", message=message))
    with pytest.raises(BadRequest, match=message):
        await _mirror(sides).reconcile(WEB)
    assert len(sides.asked("host", "POST", "services")) == 1


async def test_external_ips_are_left_out_and_the_tenant_is_told(sides: Sides) -> None:
    """Threats E1: stripped, with a word; the rest of the Service is synced."""
    sides.add_virt("services", service(externalIPs=["203.0.113.1"]))
    mirror = ServiceMirror(KINDS["services"], sides.world, sides.virt, sides.host)
    remark = await mirror.reconcile(Key("services", "default", "web"))
    assert remark is not None
    assert remark.reason == "ExternalIPsNotPassed"
    assert "externalIPs" in remark.message
    assert remark.about["metadata"]["name"] == "web"
    made = sides.host_obj("services", "web")
    assert made is not None
    assert "externalIPs" not in made["spec"]
