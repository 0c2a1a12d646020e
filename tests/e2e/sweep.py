"""Everything in a namespace or about it, by API discovery: no type is forgotten."""

from __future__ import annotations

import concurrent.futures
import json
from typing import NamedTuple

from tests.e2e.cluster import ApiError, Cluster, Obj, Resource

# News about what is gone stays for an hour by design of Kubernetes, and nobody owns it.
NEWS = (("v1", "events"), ("events.k8s.io", "events"))
# Figures of metrics APIs are no objects; they have no UID.


class Found(NamedTuple):
    """An object, by what tells it from any other."""

    type: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class Sweep:
    """Looks through one namespace."""

    def __init__(self, host: Cluster, namespace: str) -> None:
        self._host = host
        self._namespace = namespace
        self._types = [
            each
            for each in host.listable()
            if (each.api_version.partition("/")[0], each.plural) not in NEWS
        ]

    @property
    def plurals(self) -> set[str]:
        """Return the names of the types that it looks for."""
        return {each.plural for each in self._types}

    def inside(self) -> set[Found]:
        """Return what is in the namespace."""
        types = [each for each in self._types if each.namespaced]
        return self._found(types, lambda _obj: True)

    def about(self) -> set[Found]:
        """Return cluster-scoped objects that name the namespace, such as its volumes."""
        types = [
            each for each in self._types if not each.namespaced and each.plural != "namespaces"
        ]
        return self._found(types, lambda obj: self._namespace in json.dumps(obj))

    def everything(self) -> set[Found]:
        """Return both."""
        return self.inside() | self.about()

    def content(self) -> dict[Found, str]:
        """Return what is in the namespace with each object's whole text."""
        return {
            _of(each, obj): json.dumps(obj, sort_keys=True)
            for each in self._types
            if each.namespaced
            for obj in self._list(each)
            if obj["metadata"].get("uid")
        }

    def _found(self, types: list[Resource], wanted: object) -> set[Found]:
        assert callable(wanted)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            lists = pool.map(self._list, types)
            return {
                _of(each, obj)
                for each, objects in zip(types, lists, strict=True)
                for obj in objects
                if wanted(obj) and obj["metadata"].get("uid")
            }

    def _list(self, resource: Resource) -> list[Obj]:
        try:
            return self._host.list_of(resource, self._namespace if resource.namespaced else "")
        except ApiError as error:
            if error.status in (404, 405):  # a type that was removed meanwhile, or is not stored
                return []
            raise


def differences(before: dict[Found, str], after: dict[Found, str]) -> list[str]:
    """Return what is not the same in two contents, in words."""
    told = [f"gone: {found}" for found in before.keys() - after.keys()]
    told += [f"new: {found}" for found in after.keys() - before.keys()]
    told += [
        f"changed: {found}: {before[found]} → {after[found]}"
        for found in before.keys() & after.keys()
        if before[found] != after[found]
    ]
    return told


def _of(resource: Resource, obj: Obj) -> Found:
    meta = obj["metadata"]
    kind = f"{resource.plural}.{resource.api_version}"
    return Found(kind, meta["name"], meta.get("uid", ""))
