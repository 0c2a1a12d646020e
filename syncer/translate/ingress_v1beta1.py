"""Ingresses of Kubernetes before 1.19, which has them as v1beta1 only: another spelling. Pure.

    v1                                          v1beta1
    spec.ingressClassName                       the annotation kubernetes.io/ingress.class
    spec.defaultBackend                         spec.backend
    backend.service.name, .port.number|name     backend.serviceName, .servicePort
    path.pathType                               the same since 1.18; before that there is none

Whatever is not in the table is the same. Both directions take whole objects and merge patches. What
a path type was is noted in an annotation, so that a server which drops it still says what it was
told; such a server's controllers treat all paths as ImplementationSpecific.
"""

from __future__ import annotations

from typing import Any

from syncer import identity
from syncer.kube.objects import Obj
from syncer.kube.resources import INGRESSES, INGRESSES_BETA
from syncer.translate.ingress_policy import LEGACY_CLASS

PATH_TYPES = identity.PREFIX + "path-types"
UNTYPED = "ImplementationSpecific"


def to_v1beta1(obj: Obj) -> Obj:
    """Return an Ingress of v1, or a merge patch for one, as v1beta1 has it."""
    result = dict(obj)
    if "apiVersion" in obj:
        result["apiVersion"] = INGRESSES_BETA.api_version
    spec = dict(obj.get("spec") or {})
    notes: Obj = {}
    if "ingressClassName" in spec:
        notes[LEGACY_CLASS] = spec.pop("ingressClassName")
    if "defaultBackend" in spec:
        spec["backend"] = _old_backend(spec.pop("defaultBackend"))
    if "rules" in spec:
        types = [path.get("pathType", "") for path in _paths(spec)]
        notes[PATH_TYPES] = ",".join(types) or None
        spec["rules"] = _with_backends(spec["rules"], _old_backend)
    if "spec" in obj:
        result["spec"] = spec
    if notes:
        meta = obj.get("metadata") or {}
        annotations = {**(meta.get("annotations") or {}), **notes}
        if "apiVersion" in obj:  # no patch: a null would be no value
            annotations = {key: value for key, value in annotations.items() if value is not None}
        result["metadata"] = {**meta, "annotations": annotations}
    return result


def to_v1(obj: Obj) -> Obj:
    """Return an Ingress of v1beta1 as v1 has it."""
    meta, spec = obj.get("metadata") or {}, dict(obj.get("spec") or {})
    annotations = dict(meta.get("annotations") or {})
    types = iter(annotations.pop(PATH_TYPES, "").split(","))
    passed = annotations.get(identity.PASSED, "").split(",")
    if LEGACY_CLASS in annotations and LEGACY_CLASS not in passed:
        spec.setdefault("ingressClassName", annotations.pop(LEGACY_CLASS))
    if "backend" in spec:
        spec["defaultBackend"] = _new_backend(spec.pop("backend"))
    if spec.get("rules"):
        spec["rules"] = _with_backends(spec["rules"], _new_backend)
        for path in _paths(spec):
            noted = next(types, "")
            path.setdefault("pathType", noted or UNTYPED)
    result = {**obj, "apiVersion": INGRESSES.api_version, "kind": INGRESSES.kind, "spec": spec}
    result["metadata"] = {**meta, "annotations": annotations} if "annotations" in meta else meta
    return result


def _paths(spec: Obj) -> list[Obj]:
    return [
        path
        for rule in spec.get("rules") or ()
        for path in (rule.get("http") or {}).get("paths") or ()
    ]


def _with_backends(rules: list[Obj] | None, change: Any) -> list[Obj] | None:
    """Return the rules, copied as far as they differ."""
    if rules is None:
        return None
    return [
        {
            **rule,
            "http": {
                **rule["http"],
                "paths": [
                    {**path, "backend": change(path["backend"])}
                    if path.get("backend")
                    else {**path}
                    for path in rule["http"].get("paths") or ()
                ],
            },
        }
        if rule.get("http")
        else rule
        for rule in rules
    ]


def _old_backend(backend: Obj | None) -> Obj | None:
    if not backend or "service" not in backend:
        return backend
    service = backend["service"]
    port = service.get("port") or {}
    return {
        "serviceName": service["name"],
        "servicePort": port["number"] if port.get("number") else port.get("name", ""),
    }


def _new_backend(backend: Obj | None) -> Obj | None:
    if not backend or "serviceName" not in backend:
        return backend
    port = backend.get("servicePort")
    named = {"number": port} if isinstance(port, int) else {"name": port}
    return {"service": {"name": backend["serviceName"], "port": named}}
