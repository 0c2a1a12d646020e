"""The helpers for plain objects; merge patches as RFC 7386 has them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.kube.objects import (
    Obj,
    Ref,
    annotation,
    containers_of,
    controller_of,
    covers,
    is_deleting,
    merge_patch,
    ref_of,
)

# No null: the RFC cannot express one, and API objects hold none. No 0 and 1 beside booleans:
# Python takes them for equal, and no field of the API is both.
LEAVES = st.booleans() | st.integers(min_value=2) | st.text(max_size=3)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def _apply(target: Any, patch: Any) -> Any:
    """Apply a merge patch: the pseudo code of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _apply(result.get(name), value)
    return result


@given(OBJECTS, OBJECTS)
def test_patch_turns_the_old_object_into_the_new_one(old: Obj, new: Obj) -> None:
    assert _apply(old, merge_patch(old, new)) == new


@given(OBJECTS)
def test_patch_between_equal_objects_is_empty(obj: Obj) -> None:
    assert merge_patch(obj, _apply({}, obj)) == {}


@given(OBJECTS, OBJECTS)
def test_patch_is_as_small_as_its_change(old: Obj, new: Obj) -> None:
    patch = merge_patch(old, new)
    assert patch.keys() == {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)}


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {}, {"a": None}),
        ({"a": 2}, {"a": 3}, {"a": 3}),
        ({"a": {"b": 2, "c": 3}}, {"a": {"b": 2}}, {"a": {"c": None}}),
        ({"a": {"b": 2}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": 2}, {"a": {}}, {"a": {}}),
        ({"a": [2, 3]}, {"a": [3]}, {"a": [3]}),
        ({"a": [2]}, {"a": []}, {"a": []}),
    ],
)
def test_patch(old: Obj, new: Obj, patch: Obj) -> None:
    assert merge_patch(old, new) == patch


@given(VALUES)
def test_every_value_covers_itself(value: Any) -> None:
    assert covers(value, value)


@given(OBJECTS, st.dictionaries(st.sampled_from("wxyz"), VALUES))
def test_defaults_that_a_server_adds_do_not_matter(desired: Obj, added: Obj) -> None:
    assert covers({**desired, **added}, desired)


@given(OBJECTS, OBJECTS)
def test_what_does_not_cover_differs_and_a_patch_mends_it(actual: Obj, desired: Obj) -> None:
    if not covers(actual, desired):
        patch = merge_patch(actual, desired)
        assert patch
        assert covers(_apply(actual, patch), desired)


@pytest.mark.parametrize(
    ("actual", "desired", "result"),
    [
        ({"a": 2, "b": 3}, {"a": 2}, True),
        ({"a": 2}, {"a": 2, "b": 3}, False),
        ({"a": 2}, {"a": 3}, False),
        ({}, {"a": None}, True),
        ({}, {"a": ""}, True),
        ({}, {"a": 0}, True),
        ({}, {"a": False}, True),
        ({}, {"a": []}, True),
        ({}, {"a": {}}, True),
        ({"a": 2}, {"a": 0}, False),
        ({"a": True}, {"a": False}, False),
        ({"a": "x"}, {"a": ""}, False),
        ({"a": [2]}, {"a": []}, False),
        ({"a": {"b": 2}}, {"a": {}}, True),
        ({"a": None}, {"a": {"b": 2}}, False),
        ({"a": [2, 3]}, {"a": [3, 2]}, False),
        ({"a": [2]}, {"a": [2, 3]}, False),
        ({"a": [{"b": 2, "default": 3}]}, {"a": [{"b": 2}]}, True),
        ({"a": "text"}, {"a": {"b": 2}}, False),
        ({"a": {"b": 2}}, {"a": [2]}, False),
    ],
)
def test_covers(actual: Obj, desired: Obj, result: bool) -> None:  # noqa: FBT001
    assert covers(actual, desired) is result


@pytest.mark.parametrize(
    ("meta", "ref"),
    [
        ({"name": "a", "namespace": "ns"}, Ref("ns", "a")),
        ({"name": "node"}, Ref("", "node")),
    ],
)
def test_place_of_an_object(meta: Obj, ref: Ref) -> None:
    assert ref_of({"metadata": meta}) == ref


@pytest.mark.parametrize(
    ("meta", "value"),
    [({"annotations": {"k": "v"}}, "v"), ({"annotations": {}}, ""), ({"annotations": None}, ""),
     ({}, "")],
)  # fmt: skip
def test_annotation_is_empty_when_absent(meta: Obj, value: str) -> None:
    assert annotation({"metadata": meta}, "k") == value


def test_object_is_deleting_from_the_moment_the_api_accepted_it() -> None:
    assert is_deleting({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert not is_deleting({"metadata": {}})


def test_controller_is_the_owner_that_is_marked_so() -> None:
    owners = [{"uid": "1"}, {"uid": "2", "controller": False}, {"uid": "3", "controller": True}]
    assert controller_of({"metadata": {"ownerReferences": owners}}) == owners[2]
    assert controller_of({"metadata": {"ownerReferences": owners[:2]}}) is None
    assert controller_of({"metadata": {}}) is None


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({}, []),
        ({"containers": [{"name": "a"}, {"name": "b"}]}, ["a", "b"]),
        ({"containers": None, "initContainers": [{"name": "i"}]}, ["i"]),
        (
            {f: [{"name": f}] for f in ("ephemeralContainers", "containers", "initContainers")},
            ["initContainers", "containers", "ephemeralContainers"],
        ),
    ],
)
def test_containers_of_a_pod_are_of_three_kinds(spec: Obj, names: list[str]) -> None:
    assert [each["name"] for each in containers_of(spec)] == names
