"""Decide, without acting: what brings the host in line with the virtual object. Pure.

    virtual   host                      action
    absent    absent                    Nothing
    absent    present                   Delete
    present   absent                    Create
    present   twin of another UID       Delete (its disappearance queues the key again)
    present   being deleted             Nothing (as above)
    present   says the same             Nothing
    present   says something else       Patch
    present   not marked as a twin      Taken (and Nothing when there should be no twin)

"absent" on the virtual side includes objects that should have no twin: not referenced by any pod,
of a type that stays virtual.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import orjson

from syncer import identity
from syncer.kube.objects import Obj, annotation, covers, is_deleting, merge_patch

FIELDS = identity.PREFIX + "fields"
"""Names the spec fields that we set, so that one which the tenant removes can be removed."""
APPLIED = identity.PREFIX + "applied"
"""A digest of the spec that we set: what a list's items hold beyond it is the tenant's past wish as
long as the digest differs, and the host API server's default afterwards."""
EXACT = ("data", "binaryData", "subsets", "endpoints", "ports")
"""Top-level fields that no API server adds to: what is not wanted there goes."""


class Nothing(NamedTuple):
    """There is nothing to do."""


class Create(NamedTuple):
    """Create this host object."""

    obj: Obj


class Patch(NamedTuple):
    """Merge this into the host object."""

    patch: Obj


class Delete(NamedTuple):
    """Delete the host object."""


class Taken(NamedTuple):
    """Refuse: the host object is somebody else's, or a host controller made it and copied labels.

    A twin that has lost its marks looks the same, and is left alone: it may hold data.
    """


Action = Nothing | Create | Patch | Delete | Taken


def plan(virt_uid: str | None, host: Obj | None, desired: Obj | None) -> Action:
    """Return the action; `desired` is the translated object, None when there should be no twin.

    `virt_uid` is the virtual object's UID, None without one.
    """
    if host is None:
        return Create(with_fields(desired)) if desired is not None else Nothing()
    if is_deleting(host):
        return Nothing()
    twin_of = annotation(host, identity.UID)
    if not twin_of:
        return Taken() if desired is not None else Nothing()
    if desired is None:
        return Nothing() if twin_of == identity.RESERVED else Delete()
    if twin_of not in (virt_uid, identity.RESERVED):
        return Delete()
    patch = difference(host, with_fields(desired))
    return Patch(patch) if patch else Nothing()


def with_fields(desired: Obj) -> Obj:
    """Return the desired object with the names and the digest of the spec fields that it sets."""
    if "spec" not in desired:
        return desired
    meta, spec = desired["metadata"], desired["spec"]
    digest = hashlib.sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    annotations = {**meta["annotations"], FIELDS: ",".join(sorted(spec)), APPLIED: digest}
    return {**desired, "metadata": {**meta, "annotations": annotations}}


def difference(host: Obj, desired: Obj) -> Obj:
    """Return the merge patch that the host object needs; empty when it says all that is desired."""
    patch = metadata_difference(host["metadata"], desired["metadata"])
    for field in EXACT:
        if field in desired or (field in host and field in ("data", "binaryData")):
            have, want = host.get(field), desired.get(field)
            if isinstance(want, list) or isinstance(have, list):
                if not covers(have, want or []):
                    patch[field] = want or []
            elif inner := merge_patch(have or {}, want or {}):
                patch[field] = inner
    if "spec" in desired:
        spec = _spec_difference(host, desired)
        if spec:
            patch["spec"] = spec
    return patch


def metadata_difference(have: Obj, want: Obj) -> Obj:
    """Return what to merge so that labels and annotations are right.

    Labels and annotations under our own prefixes, and those of the tenant that we passed on, are
    exactly the wanted ones; others on the host object belong to the host's people and stay.
    """
    patch: Obj = {}
    passed = (have.get("annotations") or {}).get(identity.PASSED, "").split(",")
    for field in ("labels", "annotations"):
        old, new = have.get(field) or {}, want.get(field) or {}
        changes: Obj = {key: value for key, value in new.items() if old.get(key) != value}
        for key in old.keys() - new.keys():
            ours = key.startswith((identity.PREFIX, identity.TENANT_LABEL))
            if ours or (field == "annotations" and key in passed):
                changes[key] = None
        if changes:
            patch.setdefault("metadata", {})[field] = changes
    return patch


def _spec_difference(host: Obj, desired: Obj) -> Obj:
    have, want = host.get("spec") or {}, desired["spec"]
    changed = annotation(host, APPLIED) != annotation(desired, APPLIED)
    patch = {
        field: value
        for field, value in want.items()
        if not covers(have.get(field), value)
        or (changed and isinstance(value, list) and have.get(field) != value)
    }
    if "selector" in want and have.get("selector") != want["selector"]:
        # A selector that holds more than asked for selects less.
        patch["selector"] = merge_patch(have.get("selector") or {}, want["selector"])
    for field in annotation(host, FIELDS).split(","):
        if field and field not in want and have.get(field) is not None:
            patch[field] = None
    return patch
