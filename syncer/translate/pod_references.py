"""What a pod names in its namespace. Pure; judges nothing and cannot fail.

Found by a visitor of its own, not by translating the pod: a field that a later k3s writes into
stored pods, or that a later syncer refuses, must not take from a running pod what it uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncer.kube.objects import Key, Obj

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
SOURCES = {
    "configMap": ("configmaps", "name"),
    "secret": ("secrets", "secretName"),
    "persistentVolumeClaim": ("persistentvolumeclaims", "claimName"),
}
"""Of a volume: which kind it names, and in which field."""
PROJECTED = (("configMap", "configmaps"), ("secret", "secrets"))
VALUES = (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets"))
FROM = (("configMapRef", "configmaps"), ("secretRef", "secrets"))


def references(virt_pod: Obj) -> set[Key]:
    """Return the ConfigMaps, Secrets and claims that a pod names, optional ones included."""
    meta = virt_pod["metadata"]
    namespace = meta.get("namespace", "")
    return {
        Key(kind, namespace, name)
        for kind, name in _named(meta["name"], _dict(virt_pod.get("spec")))
        if isinstance(name, str) and name
    }


def _named(pod: str, spec: Obj) -> Iterator[tuple[str, Any]]:
    for field in CONTAINERS:
        for container in _dicts(spec.get(field)):
            yield from _named_by_environment(container)
    for volume in _dicts(spec.get("volumes")):
        for source, (kind, field) in SOURCES.items():
            yield kind, _dict(volume.get(source)).get(field)
        if isinstance(volume.get("ephemeral"), dict):  # its controller names the claim so
            yield "persistentvolumeclaims", f"{pod}-{volume.get('name')}"
        for part in _dicts(_dict(volume.get("projected")).get("sources")):
            for source, kind in PROJECTED:
                yield kind, _dict(part.get(source)).get("name")
    for secret in _dicts(spec.get("imagePullSecrets")):
        yield "secrets", secret.get("name")


def _named_by_environment(container: Obj) -> Iterator[tuple[str, Any]]:
    for variable in _dicts(container.get("env")):
        for source, kind in VALUES:
            yield kind, _dict(_dict(variable.get("valueFrom")).get(source)).get("name")
    for each in _dicts(container.get("envFrom")):
        for source, kind in FROM:
            yield kind, _dict(each.get(source)).get("name")


def _dict(value: object) -> Obj:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Obj]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
