"""The decision about one object: the module's truth table, and what a patch must do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import identity
from syncer.identity import tenant_key
from syncer.kube.objects import Key, Obj
from syncer.sync.plan import (
    Action,
    Create,
    Delete,
    Nothing,
    Patch,
    Taken,
    difference,
    metadata_difference,
    plan,
    with_fields,
)
from tests.unit.build import IDENT, configmap, service
from tests.unit.fake_objects import merged

KEY = Key("services", "default", "web")


def _desired(spec: Obj | None = None, labels: Obj | None = None) -> Obj:
    virt = service(metadata={"labels": labels or {}})
    spec = {"type": "ClusterIP", "ports": [{"port": 80}]} if spec is None else spec
    return {"kind": "Service", "metadata": IDENT.metadata(KEY, virt), "spec": spec}


def _host(desired: Obj | None = None, *, twin_of: str | None = None, **meta: Any) -> Obj:
    """Return the host object after a create: the server has added what servers add."""
    host = copy.deepcopy(with_fields(desired or _desired()))
    host["metadata"] |= {"uid": "host-uid", "resourceVersion": "5", **meta}
    host["metadata"]["labels"]["team.example/cost-centre"] = "42"
    host["metadata"]["annotations"]["team.example/note"] = "ours"
    if twin_of is not None:
        host["metadata"]["annotations"][identity.UID] = twin_of
    _default(host.get("spec") or {})
    return host


def _default(spec: Any) -> None:
    """Add a field to every object, at every depth, but to no map whose keys are the user's."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key != "selector":
                _default(value)
        spec.setdefault("serverDefault", "x")
    elif isinstance(spec, list):
        for each in spec:
            _default(each)


def _unmarked() -> Obj:
    host = _host()
    host["metadata"]["annotations"] = {}
    return host


DELETING: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
UID = "virt-default-web"


@pytest.mark.parametrize(
    ("virt_uid", "host", "desired", "action"),
    [
        pytest.param(None, None, None, Nothing, id="absent-absent"),
        pytest.param(None, _host(), None, Delete, id="absent-present"),
        pytest.param(None, _host(twin_of="reserved"), None, Nothing, id="absent-reserved"),
        pytest.param(None, _host(**DELETING), None, Nothing, id="absent-deleting"),
        pytest.param(None, _unmarked(), None, Nothing, id="absent-stranger"),
        pytest.param(UID, None, None, Nothing, id="unwanted-absent"),
        pytest.param(UID, _host(), None, Delete, id="unwanted-present"),
        pytest.param(UID, _unmarked(), None, Nothing, id="unwanted-stranger"),
        pytest.param(UID, None, _desired(), Create, id="present-absent"),
        pytest.param(UID, _host(twin_of="old"), _desired(), Delete, id="present-other-uid"),
        pytest.param(UID, _host(**DELETING), _desired(), Nothing, id="present-deleting"),
        pytest.param(
            UID, _host(twin_of="old", **DELETING), _desired(), Nothing, id="present-other-deleting"
        ),
        pytest.param(UID, _host(), _desired(), Nothing, id="present-same"),
        pytest.param(UID, _host(), _desired({"type": "NodePort"}), Patch, id="present-other"),
        pytest.param(UID, _host(twin_of="reserved"), _desired(), Patch, id="present-reserved"),
        pytest.param(UID, _unmarked(), _desired(), Taken, id="present-stranger"),
    ],
)
def test_action(
    virt_uid: str | None, host: Obj | None, desired: Obj | None, action: type[Action]
) -> None:
    before = copy.deepcopy((host, desired))
    assert type(plan(virt_uid, host, desired)) is action
    assert (host, desired) == before


def _apply(host: Obj, action: Action) -> Obj:
    assert isinstance(action, Patch)
    result: Obj = merged(copy.deepcopy(host), action.patch, strategic=False)
    return result


LEAF = st.sampled_from(["a", "b", 80, 90])
ITEM = st.dictionaries(st.sampled_from(["name", "port", "path"]), LEAF, min_size=1, max_size=3)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "type": LEAF,
        "ports": st.lists(ITEM, min_size=1, max_size=2),
        "rules": st.lists(
            st.fixed_dictionaries({"host": LEAF}, optional={"http": ITEM}), min_size=1, max_size=2
        ),
        "selector": st.dictionaries(st.sampled_from("xyz"), LEAF, min_size=1, max_size=2),
        "config": st.fixed_dictionaries({"inner": ITEM}),
    },
)
LABELS = st.dictionaries(st.sampled_from(["app", "tier", "x"]), st.sampled_from("12"))


@given(SPECS, LABELS, SPECS, LABELS)
def test_after_the_patch_there_is_nothing_to_do(
    old_spec: Obj, old_labels: Obj, spec: Obj, labels: Obj
) -> None:
    host, desired = _host(_desired(old_spec, old_labels)), _desired(spec, labels)
    action = plan(UID, host, desired)
    if isinstance(action, Patch):
        host = _apply(host, action)
    assert plan(UID, host, desired) == Nothing()


@given(SPECS, SPECS)
def test_what_the_tenant_removes_is_removed_also_inside_lists(old_spec: Obj, spec: Obj) -> None:
    host, desired = _host(_desired(old_spec)), _desired(spec)
    action = plan(UID, host, desired)
    if isinstance(action, Patch):
        host = _apply(host, action)
    assert host["spec"].keys() - {"serverDefault"} == spec.keys()
    for field in ("ports", "rules"):
        assert _without_defaults(host["spec"].get(field)) == spec.get(field)


def _without_defaults(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_defaults(v) for k, v in value.items() if k != "serverDefault"}
    return [_without_defaults(each) for each in value] if isinstance(value, list) else value


@given(SPECS)
def test_what_the_server_added_is_no_difference(spec: Obj) -> None:
    assert plan(UID, _host(_desired(spec)), _desired(spec)) == Nothing()


def test_selector_is_exact_because_one_that_holds_more_selects_less() -> None:
    host = _host(_desired({"selector": {"a": "1"}}))
    host["spec"]["selector"]["b"] = "2"
    action = plan(UID, host, _desired({"selector": {"a": "1"}}))
    assert isinstance(action, Patch)
    assert action.patch["spec"] == {"selector": {"b": None}}


def test_field_that_the_host_set_and_we_never_did_stays() -> None:
    host = _host(_desired({"type": "ClusterIP"}))
    host["spec"]["clusterIP"] = "10.96.0.7"
    assert plan(UID, host, _desired({"type": "ClusterIP"})) == Nothing()


@pytest.mark.parametrize(
    ("have", "want", "patch"),
    [
        ({"labels": {"theirs": "1"}}, {"labels": {}}, {}),
        ({"annotations": {"theirs": "1"}}, {"annotations": {}}, {}),
        ({"labels": {"theirs": "1"}}, {"labels": {"theirs": "2"}}, {"labels": {"theirs": "2"}}),
        ({}, {"labels": {identity.MANAGED_BY: "vc"}}, {"labels": {identity.MANAGED_BY: "vc"}}),
        (
            {"labels": {tenant_key("app"): "web"}},
            {"labels": {}},
            {"labels": {tenant_key("app"): None}},
        ),
        (
            {"annotations": {identity.PREFIX + "old": "x"}},
            {"annotations": {identity.UID: "u"}},
            {"annotations": {identity.PREFIX + "old": None, identity.UID: "u"}},
        ),
        ({"labels": None, "annotations": None}, {"labels": {}, "annotations": {}}, {}),
        (
            {"annotations": {identity.PASSED: "class,host/x", "class": "a", "host/x": "b"}},
            {"annotations": {identity.PASSED: "class", "class": "a"}},
            {"annotations": {identity.PASSED: "class", "host/x": None}},
        ),
        (
            {"annotations": {identity.PASSED: "class", "class": "a", "host/x": "b"}},
            {"annotations": {}},
            {"annotations": {identity.PASSED: None, "class": None}},
        ),
    ],
)
def test_labels_and_annotations_of_ours_are_exact_and_the_hosts_own_stay(
    have: Obj, want: Obj, patch: Obj
) -> None:
    assert metadata_difference(have, want) == ({"metadata": patch} if patch else {})


@pytest.mark.parametrize(
    ("have", "want", "patch"),
    [
        ({"data": {"a": "1", "b": "2"}}, {"data": {"a": "1"}}, {"data": {"b": None}}),
        ({"data": {"a": "1"}}, {}, {"data": {"a": None}}),
        ({"binaryData": {"a": "1"}}, {"data": {"x": "1"}}, {"binaryData": {"a": None},
                                                            "data": {"x": "1"}}),
        ({}, {"data": {"a": "1"}}, {"data": {"a": "1"}}),
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}, {}),
        ({}, {"data": {}}, {}),
        ({"subsets": [{"ports": [{"port": 1}]}]}, {"subsets": []}, {"subsets": []}),
        ({}, {"subsets": []}, {}),
        ({}, {"subsets": [{"a": 1}]}, {"subsets": [{"a": 1}]}),
        ({"endpoints": [{"a": 1}]}, {"endpoints": [{"a": 2}]}, {"endpoints": [{"a": 2}]}),
        ({"endpoints": [{"a": 1, "default": 2}]}, {"endpoints": [{"a": 1}]}, {}),
        ({"ports": [{"port": 1}]}, {"ports": []}, {"ports": []}),
    ],
)  # fmt: skip
def test_data_is_exact(have: Obj, want: Obj, patch: Obj) -> None:
    meta = IDENT.metadata(Key("configmaps", "default", "conf"), configmap())
    assert difference({"metadata": meta, **have}, {"metadata": meta, **want}) == patch


def test_created_object_names_the_fields_that_it_sets() -> None:
    action = plan(UID, None, _desired({"type": "a", "ports": []}))
    assert isinstance(action, Create)
    assert action.obj["metadata"]["annotations"][identity.PREFIX + "fields"] == "ports,type"
    assert action.obj["spec"] == {"type": "a", "ports": []}
