# Made by scripts/generate from syncer/kube/objects.py: edit that one.
"""Small helpers for Kubernetes objects, which are plain dicts as the API's JSON gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Obj = dict[str, Any]


class Key(NamedTuple):
    """Names one *virtual* object; the queue holds these, so every object has exactly one writer."""

    kind: str
    namespace: str
    name: str


class Ref(NamedTuple):
    """Where an object stands in its own cluster; `namespace` is empty for cluster-scoped ones."""

    namespace: str
    name: str


def ref_of(obj: Obj) -> Ref:
    """Return where the object stands."""
    meta = obj["metadata"]
    return Ref(meta.get("namespace", ""), meta["name"])


def uid_of(obj: Obj) -> str:
    """Return the object's UID."""
    uid: str = obj["metadata"]["uid"]
    return uid


def annotation(obj: Obj, key: str) -> str:
    """Return the annotation's value, or an empty string."""
    value: str = (obj["metadata"].get("annotations") or {}).get(key, "")
    return value


def containers_of(pod_spec: Obj) -> Iterator[Obj]:
    """Yield all containers of a pod, whatever they are for."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod_spec.get(field) or ()


def is_deleting(obj: Obj) -> bool:
    """Tell whether the API has accepted a deletion that is not finished yet."""
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Obj) -> Obj | None:
    """Return the owner reference that is marked as the controller, if there is one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return dict(owner)
    return None


def merge_patch(old: Any, new: Any) -> Obj:
    """Return the JSON merge patch (RFC 7386) that turns `old` into `new`; empty when equal.

    Lists are replaced whole, as the RFC has it.
    """
    patch: Obj = {}
    for key in old.keys() - new.keys():
        patch[key] = None
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            inner = merge_patch(old[key], value)
            if inner:
                patch[key] = inner
        elif old[key] != value:
            patch[key] = value
    return patch


def covers(actual: Any, desired: Any) -> bool:
    """Tell whether `actual` says all that `desired` says; what a server defaulted in is no matter.

    An empty desired value equals an absent one, since API servers drop empty fields. Dicts may
    hold more than asked for; lists must agree in length and order.
    """
    if isinstance(desired, dict):
        if not isinstance(actual, dict):
            return not desired and actual is None
        return all(covers(actual.get(key), value) for key, value in desired.items())
    if isinstance(desired, list):
        if not desired and not actual:
            return True
        return (
            isinstance(actual, list)
            and len(actual) == len(desired)
            and all(covers(a, d) for a, d in zip(actual, desired, strict=True))
        )
    if desired is None or desired is False or desired in ("", 0):
        return actual == desired or actual is None
    return bool(actual == desired)
