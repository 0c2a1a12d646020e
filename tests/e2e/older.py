"""How objects are written for API servers that lack the versions that the tests write them in."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]

OLDER = {
    "HorizontalPodAutoscaler": "autoscaling/v2beta2",
    "Ingress": "networking.k8s.io/v1beta1",
    "IngressClass": "networking.k8s.io/v1beta1",
    "PodDisruptionBudget": "policy/v1beta1",
    "RuntimeClass": "node.k8s.io/v1beta1",
}
"""What a server is asked for if it does not serve the version of `cluster.RESOURCES`."""


def spelled(obj: Obj, api_version: str) -> Obj:
    """Return an object as this version has it; those of `OLDER` differ in Ingresses only."""
    made = {**obj, "apiVersion": api_version}
    if obj["kind"] == "Ingress" and api_version == OLDER["Ingress"]:
        rules = [
            {**rule, "http": {"paths": [_path(path) for path in rule["http"]["paths"]]}}
            for rule in obj["spec"]["rules"]
        ]
        made["spec"] = {**obj["spec"], "rules": rules}
    return made


def _path(path: Obj) -> Obj:
    service = path["backend"]["service"]
    port = service["port"]
    backend = {
        "serviceName": service["name"],
        "servicePort": port["number"] if "number" in port else port["name"],
    }
    return {**path, "backend": backend}
