"""Classes of the host inside: copies that follow it, and never touch what is the tenant's."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.errors import AlreadyExists
from syncer.identity import MANAGED_BY
from syncer.kube.objects import Key, Obj
from syncer.sync.classes import ClassMirror, sweep
from syncer.sync.kinds import BY_DEFAULT
from syncer.translate.classes import CLASSES, difference, to_virt
from tests.unit.build import IDENT
from tests.unit.engine import Engine, restarted
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
DEFAULT = "storageclass.kubernetes.io/is-default-class"
DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
SCHEDULING = {"nodeSelector": {"sandbox": "yes"}}
FAST = Key("storageclasses", "", "fast")
MARKED = {"labels": {MANAGED_BY: "vc"}}


def _class(annotations: Obj | None = None, name: str = "fast", **fields: Any) -> Obj:
    meta = {"name": name, "labels": {"team": "platform"}, "annotations": annotations or {}}
    return {"metadata": meta, **fields}


def _mirror(sides: Sides, kind: str = "storageclasses") -> ClassMirror:
    return ClassMirror(CLASSES[kind], sides.world, sides.virt)


def _inside(sides: Sides, kind: str = "storageclasses", name: str = "fast") -> Obj | None:
    return sides.virt_api.objects.find(kind, "", name)


HOST: dict[str, Obj] = {
    "storageclasses": _class(
        {DEFAULT: "true", "operator": "note"},
        provisioner="driver.example",
        parameters={"csi.storage.k8s.io/provisioner-secret-name": "host-secret"},
        mountOptions=["ro"],
        reclaimPolicy="Retain",
        volumeBindingMode="WaitForFirstConsumer",
        allowVolumeExpansion=True,
    ),
    "ingressclasses": _class(
        {DEFAULT_INGRESS: "true", "operator": "note"},
        spec={"controller": "c.example/c", "parameters": {"kind": "X", "name": "host-secret"}},
    ),
    "priorityclasses": _class(value=100, globalDefault=True, preemptionPolicy="Never"),
    "runtimeclasses": _class(handler="kata", overhead={"podFixed": {}}, scheduling=SCHEDULING),
}
COPY: dict[str, Obj] = {
    "storageclasses": {
        "provisioner": "driver.example",
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    },
    "ingressclasses": {"spec": {"controller": "c.example/c"}},
    "priorityclasses": {"value": 100, "preemptionPolicy": "Never"},
    "runtimeclasses": {"handler": "kata", "overhead": {"podFixed": {}}, "scheduling": SCHEDULING},
}
NOTES: dict[str, Obj] = {
    "storageclasses": {DEFAULT: "true"},
    "ingressclasses": {DEFAULT_INGRESS: "true"},
    "priorityclasses": {},
    "runtimeclasses": {},
}


@pytest.mark.parametrize("kind", CLASSES)
def test_copy_says_what_a_tenant_needs_and_nothing_of_the_operators(kind: str) -> None:
    copy = to_virt(CLASSES[kind], HOST[kind], "vc")
    meta = {"name": "fast", "labels": {MANAGED_BY: "vc"}, "annotations": NOTES[kind]}
    resource = CLASSES[kind].resource
    type_ = {"apiVersion": resource.api_version, "kind": resource.kind}
    assert copy == {**type_, "metadata": meta, **COPY[kind]}
    assert difference(CLASSES[kind], copy, copy) == {}


EDITS: list[tuple[str, Obj, Obj]] = [
    ("storageclasses", {"allowVolumeExpansion": False}, {"allowVolumeExpansion": True}),
    ("storageclasses", {"mountOptions": ["rw"]}, {"mountOptions": None}),
    ("storageclasses", {"parameters": {"a": "b"}}, {"parameters": None}),
    ("ingressclasses", {"spec": {"controller": "x"}}, {"spec": {"controller": "c.example/c"}}),
    (
        "ingressclasses",
        {"spec": {"controller": "c.example/c", "parameters": {"name": "x"}}},
        {"spec": {"parameters": None}},
    ),
    ("priorityclasses", {"globalDefault": True}, {"globalDefault": None}),
    ("priorityclasses", {"description": "mine"}, {"description": None}),
    ("priorityclasses", {"value": 7}, {"value": 100}),
    (
        "runtimeclasses",
        {"scheduling": {"nodeSelector": {"sandbox": "yes", "a": "b"}}},
        {"scheduling": {"nodeSelector": {"a": None}}},
    ),
    ("runtimeclasses", {"overhead": None}, {"overhead": {"podFixed": {}}}),
]


@pytest.mark.parametrize(("kind", "edit", "patch"), EDITS)
def test_what_the_tenant_edits_in_a_copy_is_restored(kind: str, edit: Obj, patch: Obj) -> None:
    copy = to_virt(CLASSES[kind], HOST[kind], "vc")
    assert difference(CLASSES[kind], {**copy, **edit}, copy) == patch


@pytest.mark.parametrize(
    ("have", "patch"),
    [
        ({DEFAULT: "true"}, {}),
        ({DEFAULT: "true", "tenants": "note"}, {}),
        ({}, {"metadata": {"annotations": {DEFAULT: "true"}}}),
        ({DEFAULT: "false"}, {"metadata": {"annotations": {DEFAULT: "true"}}}),
    ],
)
def test_default_is_the_hosts_and_other_notes_are_the_tenants(have: Obj, patch: Obj) -> None:
    kind = CLASSES["storageclasses"]
    copy = to_virt(kind, HOST["storageclasses"], "vc")
    meta = {**copy["metadata"], "annotations": have}
    assert difference(kind, {**copy, "metadata": meta}, copy) == patch


@pytest.mark.parametrize("kind", CLASSES)
async def test_copy_comes_follows_and_goes_with_the_hosts_class(sides: Sides, kind: str) -> None:
    mirror, key = _mirror(sides, kind), Key(kind, "", "fast")
    sides.add_host(kind, HOST[kind])
    await sides.settle(mirror.reconcile, key)
    made = _inside(sides, kind)
    assert made is not None
    assert {field: made[field] for field in COPY[kind]} == COPY[kind]
    changed = {field: {"x": "y"} if isinstance(v, dict) else "z" for field, v in COPY[kind].items()}
    if kind != "ingressclasses":  # these have one field
        sides.host_api.objects.patch(Place(*key), changed)
        await sides.settle(mirror.reconcile, key)
        made = _inside(sides, kind)
        assert made is not None
        assert {field: made[field] for field in changed} == {
            field: {**COPY[kind][field], **value} if isinstance(value, dict) else value
            for field, value in changed.items()
        }
    sides.host_api.objects.remove(Place(*key))
    await sides.settle(mirror.reconcile, key)
    assert _inside(sides, kind) is None


async def test_copy_of_which_nothing_can_be_changed_is_made_anew(sides: Sides) -> None:
    mirror = _mirror(sides)
    sides.add_host("storageclasses", HOST["storageclasses"])
    await sides.settle(mirror.reconcile, FAST)
    before = _inside(sides)
    sides.host_api.objects.patch(Place(*FAST), {"provisioner": "other"})
    sides.virt_api.faults.add(Fault("PATCH", "storageclasses", status=422, reason="Invalid"))
    await sides.settle(mirror.reconcile, FAST)
    after = _inside(sides)
    assert before is not None
    assert after is not None
    assert after["provisioner"] == "other"
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


@pytest.mark.parametrize("labels", [{}, {MANAGED_BY: "other"}])
async def test_tenants_class_of_that_name_is_left_alone_and_says_so(
    sides: Sides, labels: Obj
) -> None:
    own = {"metadata": {"name": "fast", "labels": labels}, "provisioner": "of.the.tenant"}
    made = sides.add_virt("storageclasses", own)
    mirror = _mirror(sides)
    assert await sides.settle(mirror.reconcile, FAST) is None
    sides.add_host("storageclasses", HOST["storageclasses"])
    remark = await sides.settle(mirror.reconcile, FAST)
    assert _inside(sides) == made
    assert remark is not None
    assert remark.reason == "NameTaken"
    assert remark.about["metadata"]["name"] == "fast"
    assert not sides.world.is_copy("storageclasses", "fast")


async def test_systems_priority_classes_are_not_shown_and_never_touched(sides: Sides) -> None:
    """Threats A11."""
    name = "system-cluster-critical"
    sides.add_host("priorityclasses", _class(name=name, value=2_000_000_000))
    mirror, key = _mirror(sides, "priorityclasses"), Key("priorityclasses", "", name)
    await sides.settle(mirror.reconcile, key)
    assert _inside(sides, "priorityclasses", name) is None
    own = sides.add_virt("priorityclasses", {"metadata": {"name": name}, "value": 2_000_000_000})
    assert await sides.settle(mirror.reconcile, key) is None
    assert _inside(sides, "priorityclasses", name) == own
    sides.virt_api.objects.patch(Place(*key), {"metadata": MARKED})
    sides.sync()
    assert not sides.world.is_copy("priorityclasses", name)


async def test_only_copies_of_what_the_host_has_are_the_hosts(sides: Sides) -> None:
    """A mark that the tenant forges makes no class the host's."""
    sides.add_virt("runtimeclasses", {"metadata": {"name": "fast", **MARKED}, "handler": "x"})
    assert not sides.world.is_copy("runtimeclasses", "fast")
    sides.add_host("runtimeclasses", HOST["runtimeclasses"])
    assert sides.world.is_copy("runtimeclasses", "fast")
    assert not sides.world.is_copy("runtimeclasses", "other")


async def test_copy_that_the_watch_has_not_shown_yet_is_a_conflict(sides: Sides) -> None:
    mirror = _mirror(sides)
    sides.add_host("storageclasses", HOST["storageclasses"])
    await mirror.reconcile(FAST)
    sides.world.shown["storageclasses"].virt.replace([])
    with pytest.raises(AlreadyExists):
        await mirror.reconcile(FAST)


async def test_copies_of_kinds_that_are_off_are_swept_away_and_nothing_else(sides: Sides) -> None:
    for kind in CLASSES:
        sides.add_virt(kind, {"metadata": {"name": "copy", **MARKED}})
        sides.add_virt(kind, {"metadata": {"name": "own"}})
    await sweep(sides.virt, sides.world, frozenset({"ingressclasses", "pods"}))
    left = {
        kind: [o["metadata"]["name"] for o in sides.virt_api.objects.of(kind)] for kind in CLASSES
    }
    assert left == {
        "storageclasses": ["own"],
        "ingressclasses": ["copy", "own"],
        "priorityclasses": ["own"],
        "runtimeclasses": ["own"],
    }


@pytest.mark.parametrize("status", [404, 403, 500, 0])
async def test_sweep_that_fails_holds_up_nothing(sides: Sides, status: int) -> None:
    for kind in CLASSES:
        sides.add_virt(kind, {"metadata": {"name": "copy", **MARKED}})
    # Twice: the HTTP client itself asks again when a connection is cut.
    sides.virt_api.faults.add(Fault("LIST", "storageclasses", status=status, times=2))
    await sweep(sides.virt, sides.world, frozenset())
    assert [kind for kind in CLASSES if sides.virt_api.objects.of(kind)] == ["storageclasses"]


def test_everything_that_is_shown_carries_the_mark_of_its_release() -> None:
    """Two virtual clusters inside each other must not take the other's copies for their own."""
    for kind in CLASSES.values():
        copy = to_virt(kind, HOST[kind.name], IDENT.release)
        again = to_virt(kind, copy, "inner")
        assert again["metadata"]["labels"] == {MANAGED_BY: "inner"}


async def test_whole_engine_shows_classes_and_a_start_without_the_kind_takes_them_away(
    sides: Sides,
) -> None:
    engine = Engine(sides, frozenset({*BY_DEFAULT, "storageclasses"}))
    engine.furnish()
    sides.host_api.objects.create("storageclasses", "", HOST["storageclasses"])
    async with engine.running():
        await until(lambda: _inside(sides))
        sides.virt_api.objects.patch(Place(*FAST), {"allowVolumeExpansion": False})
        await until(lambda: (_inside(sides) or {}).get("allowVolumeExpansion"))
        sides.host_api.objects.create("storageclasses", "", _class(name="slow", provisioner="p"))
        await until(lambda: _inside(sides, name="slow"))
    async with restarted(engine).running():
        await until(lambda: not sides.virt_api.objects.of("storageclasses"))
    assert sides.host_api.objects.of("storageclasses")
