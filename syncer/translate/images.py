"""The images that a virtual cluster brings along: CoreDNS', and our own in pods with a subdomain.

The operator may have them in a registry of their own, which may ask for credentials. A tenant's
images are as the tenant names them.
"""

from __future__ import annotations

from syncer.kube.objects import Obj
from syncer.translate.context import Scope

PACKAGED = ("coredns/coredns:", "rancher/coredns-coredns:", "rancher/mirrored-coredns-coredns:")
"""How the names of CoreDNS' image begin in the k3s that there have been so far, 1.16 first."""
NAMESPACE = "kube-system"
"""Where k3s puts what it packages."""


def on_host(virt_pod: Obj, image: str, registry: str) -> str:
    """Return the image that the host runs for one that a virtual pod names.

    k3s before 1.21 does not know --system-default-registry, so what it packages gets the registry
    here; a newer one has written it already.
    """
    ours = virt_pod["metadata"]["namespace"] == NAMESPACE and image.startswith(PACKAGED)
    return f"{registry}/{image}" if registry and ours else image


def with_secrets(virt_pod: Obj, host_spec: Obj, scope: Scope, *, hosts_file: bool) -> Obj:
    """Return the host pod's spec with the operator's Secrets, if it runs what they are for.

    `hosts_file` tells whether our own init container is there. The Secrets come after the tenant's.
    Of CoreDNS every container must be what k3s packages: else a tenant, who may change that
    Deployment, could run whatever the Secrets open.
    """
    if not scope.image_pull_secrets or not (hosts_file or _packaged(virt_pod, host_spec, scope)):
        return host_spec
    added = [{"name": name} for name in scope.image_pull_secrets]
    return {**host_spec, "imagePullSecrets": [*(host_spec.get("imagePullSecrets") or ()), *added]}


def _packaged(virt_pod: Obj, host_spec: Obj, scope: Scope) -> bool:
    if virt_pod["metadata"]["namespace"] != NAMESPACE:
        return False
    before = f"{scope.image_registry}/" if scope.image_registry else ""
    everything = [*(host_spec.get("initContainers") or ()), *host_spec["containers"]]
    return all(
        each.get("image", "").startswith(before)
        and each["image"].removeprefix(before).startswith(PACKAGED)
        for each in everything
    )
