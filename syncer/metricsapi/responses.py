"""The documents of the group metrics.k8s.io: discovery, lists, tables, errors. Pure."""

from __future__ import annotations

from typing import NamedTuple

from syncer.kube.objects import Obj
from syncer.metricsapi.usage import total

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
GROUP_VERSION = f"{GROUP}/{VERSION}"


class Served(NamedTuple):
    """A resource type of the group."""

    plural: str
    kind: str
    namespaced: bool


PODS = Served("pods", "PodMetrics", namespaced=True)
NODES = Served("nodes", "NodeMetrics", namespaced=False)
SERVED = (NODES, PODS)
VERBS = ["get", "list"]


def group() -> Obj:
    """Return the APIGroup."""
    version = {"groupVersion": GROUP_VERSION, "version": VERSION}
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": [version],
        "preferredVersion": version,
    }


def group_list() -> Obj:
    """Return the APIGroupList with the one group."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group()]}


def resource_list() -> Obj:
    """Return the APIResourceList."""
    resources = [
        {
            "name": each.plural,
            "singularName": "",
            "namespaced": each.namespaced,
            "kind": each.kind,
            "verbs": VERBS,
        }
        for each in SERVED
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP_VERSION,
        "resources": resources,
    }


def aggregated_discovery(version: str) -> Obj:
    """Return group and resources in one document, as kube-aggregator asks first (from 1.26 on)."""
    resources = [
        {
            "resource": each.plural,
            "responseKind": {"group": GROUP, "version": VERSION, "kind": each.kind},
            "scope": "Namespaced" if each.namespaced else "Cluster",
            "singularResource": "",
            "verbs": VERBS,
        }
        for each in SERVED
    ]
    versions = [{"version": VERSION, "resources": resources, "freshness": "Current"}]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [{"metadata": {"name": GROUP}, "versions": versions}],
    }


def specification() -> Obj:
    """Return an OpenAPI document that describes nothing."""
    return {"swagger": "2.0", "info": {"title": GROUP, "version": VERSION}, "paths": {}}


def one(served: Served, metrics: Obj) -> Obj:
    """Return the figures of one pod or node."""
    return {"kind": served.kind, "apiVersion": GROUP_VERSION, **metrics}


def many(served: Served, metrics: list[Obj]) -> Obj:
    """Return a list of figures."""
    kind = f"{served.kind}List"
    return {"kind": kind, "apiVersion": GROUP_VERSION, "metadata": {}, "items": metrics}


def table(served: Served, metrics: list[Obj], *, version: str, include: str) -> Obj:
    """Return the figures as `kubectl get podmetrics` asks for them."""
    columns = [
        {"name": "Name", "type": "string", "format": "name", "description": "Name of the object"},
        {"name": "cpu", "type": "string", "format": "quantity", "description": "Cores in use"},
        {"name": "memory", "type": "string", "format": "quantity", "description": "Bytes in use"},
        {"name": "Window", "type": "string", "format": "duration", "description": "Measured over"},
    ]
    for column in columns:
        column["priority"] = 0  # type: ignore[assignment]
    rows = []
    for each in metrics:
        used = total([part["usage"] for part in each.get("containers") or [each]])
        cells = [each["metadata"]["name"], used["cpu"], used["memory"], each["window"]]
        row: Obj = {"cells": cells}
        if include == "Object":
            row["object"] = one(served, each)
        elif include != "None":
            meta = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
            row["object"] = {**meta, "metadata": each["metadata"]}
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {},
        "columnDefinitions": columns,
        "rows": rows,
    }


def failure(code: int, reason: str, message: str) -> Obj:
    """Return a Status."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
