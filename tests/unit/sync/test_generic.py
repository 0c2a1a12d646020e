"""One key of a common kind: what must stand on both sides afterwards, whatever stood before."""

from __future__ import annotations

import asyncio
import copy

import pytest

from syncer import identity
from syncer.errors import AlreadyExists, Conflict, Forbidden, NotFound, Refused, ServerError
from syncer.identity import tenant_key
from syncer.kube.objects import Key, Obj
from syncer.sync.generic import Mirror
from syncer.sync.kinds import KINDS
from tests.unit.build import configmap, ingress, rule, secret, twin, unmarked
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
CONF = Key("configmaps", "default", "conf")
POD = Key("pods", "default", "web")
HELD = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["tenant/hold"]}


def _mirror(sides: Sides, kind: str = "configmaps") -> Mirror:
    return Mirror(KINDS[kind], sides.world, sides.virt, sides.host)


def _need(sides: Sides, *keys: Key) -> None:
    """Let a pod name the objects."""
    sides.world.references.set(POD, set(keys))


async def test_object_that_a_pod_names_gets_a_twin(sides: Sides) -> None:
    _need(sides, CONF)
    virt = sides.add_virt("configmaps", configmap(metadata={"labels": {"app": "web"}}))
    await _mirror(sides).reconcile(CONF)
    host = sides.host_obj("configmaps", "conf")
    assert host is not None
    assert host["data"] == virt["data"]
    assert host["metadata"]["labels"][tenant_key("app")] == "web"
    assert host["metadata"]["annotations"][identity.UID] == virt["metadata"]["uid"]


async def test_reconciled_object_is_at_rest(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    mirror = _mirror(sides)
    await sides.settle(mirror.reconcile, CONF, most=2)


async def test_own_writes_are_known_before_a_watch_shows_them(sides: Sides) -> None:
    """Else the next reconcile would do them again."""
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    mirror = _mirror(sides)
    await mirror.reconcile(CONF)
    sides.writes()
    await mirror.reconcile(CONF)
    assert sides.writes() == []
    changed = sides.virt_api.objects.patch(
        Place("configmaps", "default", "conf"), {"data": {"key": "2"}}
    )
    sides.world.virt["configmaps"].put(changed)
    await mirror.reconcile(CONF)
    assert sides.writes() == [("host", "PATCH", "configmaps")]
    await mirror.reconcile(CONF)
    assert sides.writes() == []


@pytest.mark.parametrize("kind", ["configmaps", "secrets"])
async def test_object_that_nobody_names_has_no_twin(sides: Sides, kind: str) -> None:
    """Threats J1."""
    virt = configmap("x") if kind == "configmaps" else secret("x")
    sides.add_virt(kind, virt)
    await _mirror(sides, kind).reconcile(Key(kind, "default", "x"))
    assert sides.writes() == []


async def test_twin_goes_when_the_last_pod_that_names_it_does(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    _need(sides)
    sides.sync()
    await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is None
    assert sides.virt_obj("configmaps", "conf") is not None


async def test_change_of_the_tenants_reaches_the_twin(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    sides.virt_api.objects.patch(
        Place("configmaps", "default", "conf"), {"data": {"key": None, "new": "1"}}
    )
    sides.sync()
    await _mirror(sides).reconcile(CONF)
    host = sides.host_obj("configmaps", "conf")
    assert host is not None
    assert host["data"] == {"new": "1"}


async def test_what_the_hosts_people_changed_is_repaired_and_their_own_labels_stay(
    sides: Sides,
) -> None:
    """Threats R13."""
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    change = {"data": {"key": "wrong", "more": "x"}, "metadata": {"labels": {"team/x": "1"}}}
    sides.host_api.objects.patch(sides.host_place("configmaps", "conf"), change)
    await sides.settle(_mirror(sides).reconcile, CONF)
    host = sides.host_obj("configmaps", "conf")
    assert host is not None
    assert host["data"] == {"key": "value"}
    assert host["metadata"]["labels"]["team/x"] == "1"


async def test_twin_that_was_deleted_is_made_again_and_the_original_stays(sides: Sides) -> None:
    """Threats R10."""
    _need(sides, CONF)
    virt = sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    sides.host_api.objects.remove(sides.host_place("configmaps", "conf"))
    sides.sync()
    await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is not None
    assert sides.virt_obj("configmaps", "conf") == virt


async def test_twin_of_an_object_that_is_gone_is_deleted(sides: Sides) -> None:
    sides.add_host("configmaps", twin(configmap(), "configmaps"))
    await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is None


async def test_twin_of_an_earlier_object_goes_before_the_new_one_comes(sides: Sides) -> None:
    """Threats R14."""
    _need(sides, CONF)
    old = sides.add_host("configmaps", twin(configmap(metadata={"uid": "old"}), "configmaps"))
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    assert sides.writes() == [("host", "DELETE", "configmaps")]
    await sides.settle(_mirror(sides).reconcile, CONF)
    new = sides.host_obj("configmaps", "conf")
    assert new is not None
    assert new["metadata"]["uid"] != old["metadata"]["uid"]


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("virt_exists", [False, True])
async def test_host_object_that_is_not_ours_stays_byte_identical(
    sides: Sides,
    labelled: bool,  # noqa: FBT001
    virt_exists: bool,  # noqa: FBT001
) -> None:
    """Threats D4. Host controllers copy labels, so that a label alone marks nothing."""
    stranger = unmarked(configmap(), "configmaps")
    if labelled:
        stranger["metadata"]["labels"] = {identity.MANAGED_BY: "vc"}
    before = copy.deepcopy(sides.add_host("configmaps", stranger))
    _need(sides, CONF)
    if virt_exists:
        sides.add_virt("configmaps", configmap())
        with pytest.raises(Refused) as caught:
            await _mirror(sides).reconcile(CONF)
        assert caught.value.reason == "NameTaken"
        assert "-x-" not in caught.value.message
    else:
        await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") == before


async def test_twin_that_the_watch_has_not_shown_yet_is_met_and_not_doubled(sides: Sides) -> None:
    """Threats R9: the answer to the create was lost."""
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    sides.host_api.faults.add(Fault("POST", "configmaps", status=500, commit=True))
    with pytest.raises(ServerError):
        await _mirror(sides).reconcile(CONF)
    with pytest.raises(AlreadyExists):
        await _mirror(sides).reconcile(CONF)
    await _mirror(sides).reconcile(CONF)
    assert len(sides.host_api.objects.of("configmaps")) == 1


async def test_stale_twin_of_another_uid_is_not_written_to(sides: Sides) -> None:
    """Threats rule 3: the store shows an object that somebody has replaced meanwhile."""
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    place = sides.host_place("configmaps", "conf")
    sides.sync()
    sides.host_api.objects.remove(place)
    stranger = sides.host_api.objects.create("configmaps", "team-x", unmarked(configmap(), "x"))
    stranger_before = copy.deepcopy(stranger)
    sides.virt_api.objects.patch(
        Place("configmaps", "default", "conf"), {"data": {"key": "changed"}}
    )
    sides.world.virt["configmaps"].replace(sides.virt_api.objects.of("configmaps"))
    with pytest.raises((Conflict, NotFound)):
        await _mirror(sides).reconcile(CONF)
    assert sides.host_api.objects.of("configmaps")[0] in (stranger, stranger_before)


async def test_deletion_that_somebody_else_was_faster_with_is_no_error(sides: Sides) -> None:
    sides.add_host("configmaps", twin(configmap(), "configmaps"))
    sides.host_api.objects.remove(sides.host_place("configmaps", "conf"))
    await _mirror(sides).reconcile(CONF)


async def test_object_that_is_on_its_way_out_gets_no_twin(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap(metadata=HELD))
    await _mirror(sides).reconcile(CONF)
    assert sides.writes() == []


async def test_twin_that_is_being_deleted_is_left_alone(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    await _mirror(sides).reconcile(CONF)
    place = sides.host_place("configmaps", "conf")
    sides.host_api.objects.patch(place, {"metadata": {"finalizers": ["host/hold"]}, "data": {}})
    sides.host_api.objects.delete(place)
    sides.sync()
    sides.writes()
    await _mirror(sides).reconcile(CONF)
    assert sides.writes() == []


async def test_errors_of_the_api_pass_through(sides: Sides) -> None:
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    sides.host_api.faults.add(Fault("POST", status=403, message="exceeded quota"))
    with pytest.raises(Forbidden):
        await _mirror(sides).reconcile(CONF)


# --- status


def _status(sides: Sides, kind: str, name: str) -> Obj:
    found = sides.virt_obj(kind, name)
    assert found is not None
    status: Obj = found.get("status") or {}
    return status


async def test_ingress_tells_its_address_and_that_it_is_gone(sides: Sides) -> None:
    key = Key("ingresses", "default", "web")
    sides.add_virt("ingresses", ingress())
    mirror = _mirror(sides, "ingresses")
    await sides.settle(mirror.reconcile, key)
    assert _status(sides, "ingresses", "web") == {}
    place = sides.host_place("ingresses", "web")
    for ingress_list in ([{"ip": "1.2.3.4"}], None):
        status: Obj = {"loadBalancer": {"ingress": ingress_list}}
        sides.host_api.objects.patch(place, {"status": status}, "status")
        sides.sync()
        sides.writes()
        await mirror.reconcile(key)
        await mirror.reconcile(key)
        assert sides.writes() == [("virt", "PATCH", "ingresses/status")]
        assert _status(sides, "ingresses", "web")["loadBalancer"].get("ingress") == ingress_list


async def test_ingress_that_loses_a_part_loses_it_on_the_host(sides: Sides) -> None:
    key = Key("ingresses", "default", "web")
    tls = [{"hosts": ["web.example"], "secretName": "cert"}]
    sides.add_virt("ingresses", ingress(tls=tls, rules=[rule(), rule("b.example")]))
    mirror = _mirror(sides, "ingresses")
    await sides.settle(mirror.reconcile, key)
    place = Place("ingresses", "default", "web")
    for change, check in (
        ({"tls": [{"hosts": ["web.example"]}]}, "secretName"),
        ({"tls": None}, "tls"),
        ({"rules": [{"host": "web.example"}]}, "paths"),
    ):
        assert check in str(sides.host_obj("ingresses", "web"))
        sides.virt_api.objects.patch(place, {"spec": change})
        await sides.settle(mirror.reconcile, key)
        host = sides.host_obj("ingresses", "web")
        assert host is not None
        assert check not in str(host["spec"])


@pytest.mark.parametrize(
    ("most", "made"),
    [(0, 3), (2, 2), (3, 3)],
    ids=["no bound", "two of three", "just enough"],
)
async def test_the_host_gets_no_more_objects_of_a_kind_than_the_operator_allows(
    sides: Sides, most: int, made: int
) -> None:
    """Threats J1. All at once, so that none may be counted before another is there."""
    sides.world.scope = sides.world.scope._replace(max_objects=most)
    keys = [CONF._replace(name=name) for name in ("a", "b", "c")]
    _need(sides, *keys)
    for key in keys:
        sides.add_virt("configmaps", configmap(key.name))
    mirror = _mirror(sides)
    tries = (mirror.reconcile(key) for key in keys)
    said = [error for error in await asyncio.gather(*tries, return_exceptions=True) if error]
    assert [getattr(error, "reason", error) for error in said] == ["LimitReached"] * (3 - made)
    assert len(sides.world.host["configmaps"]) == made


async def test_who_makes_room_for_an_object_gets_it(sides: Sides) -> None:
    sides.world.scope = sides.world.scope._replace(max_objects=1)
    first, second = CONF, CONF._replace(name="second")
    _need(sides, first, second)
    sides.add_virt("configmaps", configmap())
    sides.add_virt("configmaps", configmap("second"))
    mirror = _mirror(sides)
    await mirror.reconcile(first)
    with pytest.raises(Refused, match="at most 1 ConfigMap"):
        await mirror.reconcile(second)
    _need(sides, second)
    await mirror.reconcile(first)
    assert sides.host_obj("configmaps", "conf") is None
    sides.sync()  # the watch tells
    await mirror.reconcile(second)
    assert sides.host_obj("configmaps", "second") is not None


async def test_a_failed_creation_takes_no_room(sides: Sides) -> None:
    sides.world.scope = sides.world.scope._replace(max_objects=1)
    _need(sides, CONF)
    sides.add_virt("configmaps", configmap())
    sides.host_api.faults.add(Fault(status=500, reason="InternalError"))
    mirror = _mirror(sides)
    with pytest.raises(ServerError):
        await mirror.reconcile(CONF)
    await mirror.reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is not None
