"""The pods that are measured: on nodes that really run them, and on KWOK's."""

from __future__ import annotations

from typing import Any, NamedTuple

from lab import kwok

Obj = dict[str, Any]

LABEL = "bench"
REAL, KWOK = "real", "kwok"
NODES = {REAL: "real kubelets", KWOK: "KWOK nodes"}
GRACE = 1  # second: what runs ends at once, and nothing is removed by force


class Template(NamedTuple):
    """What all pods of a run have in common."""

    nodes: str
    image: str
    extra: Obj = {}  # noqa: RUF012 (never written to)
    """More fields of the spec."""

    def pod(self, name: str, namespace: str, burst: str) -> Obj:
        """Return a pod as `kubectl run` makes it: with a service account's token, as most have."""
        container = {"name": "main", "image": self.image, "imagePullPolicy": "IfNotPresent"}
        spec: Obj = {"terminationGracePeriodSeconds": GRACE, "containers": [container]}
        if self.nodes == KWOK:
            wish = {"key": kwok.TAINT["key"], "operator": "Exists", "effect": "NoSchedule"}
            spec |= {"nodeSelector": dict(kwok.NODES), "tolerations": [wish]}
        meta = {"name": name, "namespace": namespace, "labels": {LABEL: burst}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**spec, **self.extra}}


def pods_path(namespace: str, name: str = "") -> str:
    """Return where an API server has pods."""
    return "/".join(filter(None, (f"/api/v1/namespaces/{namespace}/pods", name)))
