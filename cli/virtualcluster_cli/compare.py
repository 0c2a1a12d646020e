"""What became of each field on the way to the host: read off both objects, with the rules beside.

Pure: two objects in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from virtualcluster_cli.api import Obj
from virtualcluster_cli.rules import TABLES, verdict
from virtualcluster_cli.shared import identity
from virtualcluster_cli.shared.objects import covers

CONTAINERS = ("initContainers", "containers")


class Field(NamedTuple):
    """One field that is not on the host as it is inside."""

    path: str
    outcome: str
    """mapped, dropped, refused, added (by the syncer), differs (copied, and no more the same)."""
    inside: Any
    host: Any
    why: str


def fields(plural: str, virt: Obj, host: Obj | None) -> list[Field]:
    """Return the fields that did not pass as they are; without a twin those that would not."""
    found = list(_metadata(virt, host))
    if plural in TABLES:
        spec = virt.get("spec") or {}
        twin = None if host is None else host.get("spec") or {}
        found += _table(TABLES[plural], spec, twin, "spec")
        if plural == "pods":
            found += _members("CONTAINER", spec, twin, CONTAINERS)
            found += _members("VOLUME", spec, twin, ("volumes",))
    return found


def _metadata(virt: Obj, host: Obj | None) -> Iterator[Field]:
    meta = virt["metadata"]
    have = (host or {"metadata": {}})["metadata"]
    for key, value in sorted((meta.get("labels") or {}).items()):
        hashed = identity.tenant_key(key)
        why = "selectors of the host must not select by the tenant's labels"
        yield Field(f"metadata.labels[{key}]", "mapped", value, f"{hashed}={value}", why)
    passed = have.get("annotations") or {}
    for key, value in sorted((meta.get("annotations") or {}).items()):
        if passed.get(key) != value and not key.startswith("kubectl.kubernetes.io/"):
            why = "controllers of the host must not act on the tenant's annotations"
            yield Field(f"metadata.annotations[{key}]", "dropped", value, None, why)
    for name, why in (
        ("finalizers", "the tenant must not block deletions on the host"),
        (
            "ownerReferences",
            "owners exist inside only; on the host the anchor is the owner",
        ),
    ):
        if meta.get(name):
            yield Field(f"metadata.{name}", "dropped", meta[name], None, why)


def _members(table: str, virt: Obj, host: Obj | None, names: tuple[str, ...]) -> Iterator[Field]:
    """Yield the fields of the members of lists, members of the same name side by side."""
    for name in names:
        twins = {each["name"]: each for each in (host or {}).get(name) or ()}
        own = {each["name"] for each in virt.get(name) or ()}
        for each in virt.get(name) or ():
            twin = None if host is None else twins.get(each["name"], {})
            yield from _table(table, each, twin, f"{name}[{each['name']}]")
        for extra in twins.keys() - own:
            why = "set by the host's admission or by the syncer"
            yield Field(f"{name}[{extra}]", "added", None, twins[extra].get("image"), why)


def _table(table: str, virt: Obj, host: Obj | None, where: str) -> Iterator[Field]:
    for name, value in virt.items():
        path = f"{where}.{name}"
        word, why = verdict(table, name)
        have = (host or {}).get(name)
        if _empty(value) or name in (*CONTAINERS, "volumes"):
            continue
        if word == "drop":
            yield Field(path, "dropped", value, None, why)
        elif word in ("refuse", "unknown"):
            yield Field(path, "refused", value, None, why or "the syncer does not know this field")
        elif host is None:
            if word == "map":
                yield Field(path, "mapped", value, None, why)
        elif word == "map" and have != value:
            yield Field(path, "mapped" if not _empty(have) else "dropped", value, have, why)
        elif word == "copy" and not covers(have, value):
            why = why or "copied, then changed on one side"
            yield Field(path, "differs", value, have, why)
    for name, have in (host or {}).items():
        word, why = verdict(table, name)
        apart = name in virt or name in (*CONTAINERS, "volumes")
        if word == "map" and not apart and not _empty(have):
            yield Field(f"{where}.{name}", "added", None, have, why)


def _empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [])
