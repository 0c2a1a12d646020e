"""The objects that the tests create, as small as they can be."""

from __future__ import annotations

import os
from typing import Any

from tests.e2e.cluster import Obj

# The images that the lab holds; elsewhere they can be named otherwise.
AGNHOST = os.environ.get("VC_E2E_AGNHOST", "agnhost:2.53")
BUSYBOX = os.environ.get("VC_E2E_BUSYBOX", "busybox:1.36")
PYTHON = os.environ.get("VC_E2E_PYTHON", "virtualcluster/syncer:0.1.0")

RBAC = "rbac.authorization.k8s.io"
IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]
"""A command that does nothing, and ends at once when told to."""


def meta(name: str, namespace: str, **labels: str) -> Obj:
    """Return metadata."""
    result: Obj = {"name": name, "namespace": namespace}
    if labels:
        result["labels"] = labels
    return result


def container(image: str, command: list[str], name: str = "main", **more: Any) -> Obj:
    """Return a container."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        **more,
    }


def idle(**more: Any) -> Obj:
    """Return a container that does nothing until it is told to end."""
    return container(BUSYBOX, IDLE, **more)


def shell(script: str, **more: Any) -> Obj:
    """Return a container that runs a script."""
    return container(BUSYBOX, ["sh", "-c", script], **more)


def pod(name: str, namespace: str, *containers: Obj, labels: Obj | None = None, **spec: Any) -> Obj:
    """Return a pod, of an idle container if none is given."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**meta(name, namespace), "labels": labels or {}},
        "spec": {
            "terminationGracePeriodSeconds": 2,
            "containers": list(containers) or [idle()],
            **spec,
        },
    }


def web(**more: Any) -> Obj:
    """Return a container that answers /hostname on port 8080, by TCP and UDP."""
    return container(
        AGNHOST,
        ["/agnhost", "netexec", "--http-port=8080", "--udp-port=8081"],
        ports=[{"name": "http", "containerPort": 8080}],
        readinessProbe={"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        **more,
    )


def deployment(name: str, namespace: str, replicas: int, *containers: Obj, **spec: Any) -> Obj:
    """Return a Deployment whose pods have the label app=<name>."""
    template = pod(name, namespace, *containers, **spec)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(name, namespace),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
        },
    }


def stateful(made: Obj, *claims: Obj, **spec: Any) -> Obj:
    """Return what was made as a Deployment as a StatefulSet, with a template of each claim."""
    more = {
        "serviceName": made["metadata"]["name"],
        "volumeClaimTemplates": [
            {"metadata": {"name": each["metadata"]["name"]}, "spec": each["spec"]}
            for each in claims
        ],
    }
    return {**made, "kind": "StatefulSet", "spec": {**made["spec"], **more, **spec}}


def service(
    name: str, namespace: str, port: int = 80, target: int | str = "http", **spec: Any
) -> Obj:
    """Return a Service in front of the pods with the label app=<name>."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(name, namespace),
        "spec": {
            "selector": {"app": name},
            "ports": [{"name": "http", "port": port, "targetPort": target}],
            **spec,
        },
    }


def config_map(name: str, namespace: str, **data: str) -> Obj:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(name, namespace),
        "data": data,
    }


def secret(name: str, namespace: str, **data: str) -> Obj:
    """Return a Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta(name, namespace),
        "stringData": data,
    }


def ingress(name: str, namespace: str, host: str, **spec: Any) -> Obj:
    """Return an Ingress that leads a host name to the Service of the same name."""
    backend = {"service": {"name": name, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule: Obj = {"http": {"paths": [path]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": meta(name, namespace),
        "spec": {"rules": [{"host": host, **rule} if host else rule], **spec},
    }


def claim(name: str, namespace: str) -> Obj:
    """Return a claim of the default class."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta(name, namespace),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "16Mi"}},
        },
    }


def namespace(name: str, **labels: str) -> Obj:
    """Return a Namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }


def binding(name: str, namespace: str, cluster_role: str, account: tuple[str, str]) -> Obj:
    """Return a RoleBinding that gives a ClusterRole, within the namespace, to a ServiceAccount."""
    subject = {"kind": "ServiceAccount", "namespace": account[0], "name": account[1]}
    return _bound("RoleBinding", meta(name, namespace), ("ClusterRole", cluster_role), subject)


def role(name: str, rules: list[Obj], subject: Obj, namespace: str = "") -> tuple[Obj, Obj]:
    """Return a role and its binding to somebody: within a namespace, else a ClusterRole."""
    kind, place = ("Role", meta(name, namespace)) if namespace else ("ClusterRole", {"name": name})
    made = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": place, "rules": rules}
    return made, _bound(f"{kind}Binding", place, (kind, name), subject)


def _bound(kind: str, place: Obj, role: tuple[str, str], subject: Obj) -> Obj:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": place,
        "roleRef": {"apiGroup": RBAC, "kind": role[0], "name": role[1]},
        "subjects": [subject],
    }
