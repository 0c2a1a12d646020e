"""What every host cluster has beside the API: DNS and a default StorageClass."""

from __future__ import annotations

import json

import yaml

from lab import images
from lab.addresses import CLUSTER_DNS
from lab.api import Api, Obj
from lab.components import Layout
from lab.errors import LabError
from lab.paths import LAB_SOURCE
from lab.versions import COREDNS_TAGS

# What must be available before a lab is called up: namespace, deployment.
DEPLOYMENTS = (("kube-system", "coredns"), ("kube-system", "local-path-provisioner"))


def apply(at: Layout, api: Api) -> None:
    """Create the add-ons or bring them to what their files say."""
    paths = [
        {"node": f"node-{n}", "paths": [str(at.node(n) / "volumes")]} for n in at.network.numbers
    ]
    values = {
        "BUSYBOX_IMAGE": images.BUSYBOX_TAG,
        "CLUSTER_DNS": str(CLUSTER_DNS),
        "COREDNS_IMAGE": COREDNS_TAGS[at.row.minor],
        "LOCAL_PATHS": json.dumps(paths),
        "LOCAL_PATH_IMAGE": images.LOCAL_PATH_TAG,
    }
    for file in sorted((LAB_SOURCE / "addons").glob("*.yaml")):
        text = file.read_text()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        for obj in yaml.safe_load_all(text):
            api.apply(obj)


def available(api: Api, namespace: str, name: str) -> bool:
    """Tell whether a Deployment runs as it is now written."""
    deployment = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    status: Obj = deployment.get("status", {})
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return bool(seen and status.get("availableReplicas", 0) >= deployment["spec"]["replicas"])


def heartbeat(api: Api, node: str) -> str:
    """Return when a kubelet was last heard of; "" if never."""
    try:
        lease = api.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}")
    except LabError:
        return ""
    return str(lease["spec"].get("renewTime", ""))


def node_ready(api: Api, name: str, after: str | None) -> bool:
    """Tell whether a node is Ready and, with `after`, was heard of since that heartbeat.

    A kubelet that was just started again has not yet taken back what its predecessor said.
    """
    if after is not None and heartbeat(api, name) == after:
        return False
    conditions = api.get(f"/api/v1/nodes/{name}").get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
