"""The objects that tenants and others send, with `@name`, `@ns`, `@rel` … to be filled in."""

from __future__ import annotations

from typing import Any

from tests.e2e import manifests
from tests.e2e.cluster import Obj

NOWHERE = {"escapes.test/nowhere": "yes"}
"""No node has this label: the verdict is about the pod's object, and nothing need run."""
FOREIGN = "@name-x-@ns-x-@rel"
"""The name that a twin will want."""


def meta(name: str = "@name", **more: Any) -> Obj:
    """Return metadata of an object of the tenant's."""
    return {"name": name, "namespace": "@ns", **more}


def container(**more: Any) -> Obj:
    """Return a container."""
    return {"name": "main", "image": manifests.BUSYBOX, "command": manifests.IDLE, **more}


def pod(
    spec: Obj | None = None, *, name: str = "@name", metadata: Obj | None = None, **main: Any
) -> Obj:
    """Return a pod; `main` are fields of its container."""
    base = {
        "containers": [container(**main)],
        "nodeSelector": NOWHERE,
        "terminationGracePeriodSeconds": 1,
    }
    labels = {"escape": "@name", **((metadata or {}).get("labels") or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**meta(name), **(metadata or {}), "labels": labels},
        "spec": {**base, **(spec or {})},
    }


def init(**more: Any) -> Obj:
    """Return the spec's part of an init container."""
    return {"initContainers": [container(**{"name": "init", **more})]}


def sidecar(**more: Any) -> Obj:
    """Return the spec's part of a sidecar."""
    return init(restartPolicy="Always", **more)


def volume(source: Obj) -> Obj:
    """Return the spec's part of a volume."""
    return {"volumes": [{"name": "v", **source}]}


def template(kind: str, spec: Obj) -> Obj:
    """Return what makes pods of a spec."""
    made = pod(spec)
    labels = {"escape": "@name"}
    body: Obj = {"template": {"metadata": {"labels": labels}, "spec": made["spec"]}}
    if kind == "Job":
        body["template"]["spec"]["restartPolicy"] = "Never"
    else:
        body["selector"] = {"matchLabels": labels}
    if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
        body["replicas"] = 1
    if kind == "StatefulSet":
        body["serviceName"] = "@name"
    return {"kind": kind, "metadata": meta(), "spec": body}


def service(metadata: Obj | None = None, **spec: Any) -> Obj:
    """Return a Service."""
    base: Obj = {"ports": [{"name": "http", "port": 80}], "selector": {"app": "@name"}}
    merged = {key: value for key, value in {**base, **spec}.items() if value is not None}
    return {"kind": "Service", "metadata": {**meta(), **(metadata or {})}, "spec": merged}


def endpoints(*ips: str, name: str = "@name") -> Obj:
    """Return Endpoints of a Service."""
    addresses = [{"ip": ip} for ip in ips]
    return {
        "kind": "Endpoints",
        "metadata": meta(name),
        "subsets": [{"addresses": addresses, "ports": [{"name": "http", "port": 80}]}],
    }


def endpoint_slice(*ips: str, service_name: str = "@name", **labels: str) -> Obj:
    """Return an EndpointSlice of a Service."""
    return {
        "kind": "EndpointSlice",
        "metadata": meta(labels={"kubernetes.io/service-name": service_name, **labels}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": list(ips)}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    }


def config_map(metadata: Obj | None = None, **data: str) -> Obj:
    """Return a ConfigMap."""
    return {
        "kind": "ConfigMap",
        "metadata": {**meta(), **(metadata or {})},
        "data": data or {"k": "v"},
    }


def secret(metadata: Obj | None = None, type_: str = "Opaque", **data: str) -> Obj:
    """Return a Secret."""
    return {
        "kind": "Secret",
        "metadata": {**meta(), **(metadata or {})},
        "type": type_,
        "stringData": data or {"k": "v"},
    }


def uses(kind: str, name: str = "@name") -> Obj:
    """Return a pod that mounts a ConfigMap, a Secret or a claim, so that it is wanted."""
    source = {
        "ConfigMap": {"configMap": {"name": name}},
        "Secret": {"secret": {"secretName": name}},
        "PersistentVolumeClaim": {"persistentVolumeClaim": {"claimName": name}},
    }[kind]
    return pod(volume(source))


def claim(metadata: Obj | None = None, **spec: Any) -> Obj:
    """Return a claim."""
    base: Obj = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "standard",  # which the host has not: no volume need be made
    }
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {**meta(), **(metadata or {})},
        "spec": {**base, **spec},
    }


def ingress(
    host: str = "@name.tenant.example.com",
    *,
    path: str = "/",
    backend: Obj | None = None,
    annotations: Obj | None = None,
    **spec: Any,
) -> Obj:
    """Return an Ingress of the class and the domain that are offered."""
    backend = backend or {"service": {"name": "@name", "port": {"number": 80}}}
    rule: Obj = {
        "http": {
            "paths": [{"path": path, "pathType": "ImplementationSpecific", "backend": backend}]
        }
    }
    if host:
        rule["host"] = host
    body = {"ingressClassName": "nginx", "rules": [rule], **spec}
    return {
        "kind": "Ingress",
        "metadata": meta(annotations=annotations or {}),
        "spec": {key: value for key, value in body.items() if value is not None},
    }


def foreign(obj: Obj, name: str = FOREIGN, **metadata: Any) -> Obj:
    """Return an object of somebody else's on the host."""
    labels = {"owner": "somebody-else"}
    return {**obj, "metadata": {"name": name, "namespace": "@host", "labels": labels, **metadata}}
