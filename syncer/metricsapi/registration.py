"""What makes the virtual cluster send requests for metrics.k8s.io here, and takes it back.

An APIService names a Service. One of type ExternalName needs no endpoints and never reaches the
host; kube-aggregator dials its name at the APIService's port (all versions from 1.16 on, unless
`--enable-aggregator-routing` is given, which k3s does not when its egress selector is disabled).
The name is an alias of loopback in our own pod.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple

import structlog

from syncer.errors import AlreadyExists, NotFound
from syncer.kube.client import Client
from syncer.kube.objects import Obj, covers
from syncer.kube.resources import API_SERVICES, CLUSTER_ROLES, SERVICES, Resource
from syncer.metricsapi.responses import GROUP, VERSION

log = structlog.get_logger()
NAME, NAMESPACE = "virtualcluster-metrics", "kube-system"
SERVER_NAME = f"{NAME}.{NAMESPACE}.svc"
"""What the aggregator wants the serving certificate to be valid for."""
OURS = {"app.kubernetes.io/managed-by": "virtualcluster-syncer"}


class Way(NamedTuple):
    """How the API server reaches us."""

    host: str
    port: int
    ca_file: Path


class Registration:
    """Keeps three objects of the virtual cluster: APIService, Service, ClusterRole."""

    def __init__(self, virt: Client, way: Way) -> None:
        self._virt = virt
        self._way = way
        self._told = ""

    async def register(self) -> bool:
        """Make the objects or put them right; tell whether the group is ours.

        It is not when the tenant has an APIService for it that names another Service, as its own
        metrics-server brings: that one stays as it is.
        """
        have = await self._find(API_SERVICES, "", f"{VERSION}.{GROUP}")
        if have is not None and not _is_ours(have):
            self._tell("the tenant serves metrics.k8s.io itself")
            return False
        for resource, namespace, wanted in self._wanted():
            if not await self._keep(resource, namespace, wanted):
                self._tell("an object of the tenant has a name that is needed")
                return False
        self._tell("registered")
        return True

    async def unregister(self) -> None:
        """Remove what is ours, the APIService first: one without a backend hinders deletions."""
        for resource, namespace, wanted in reversed(self._wanted(ca="")):
            have = await self._find(resource, namespace, wanted["metadata"]["name"])
            if have is not None and _marked(have) and (resource != API_SERVICES or _is_ours(have)):
                try:
                    await self._virt.delete(resource, have)
                except NotFound:
                    continue
                self._tell("unregistered")

    async def _keep(self, resource: Resource, namespace: str, wanted: Obj) -> bool:
        """Create the object or repair it; tell whether it is ours."""
        have = await self._find(resource, namespace, wanted["metadata"]["name"])
        if have is None:
            try:
                await self._virt.create(resource, namespace, wanted)
            except AlreadyExists:
                return False  # the next round looks at it
            return True
        if not _marked(have):
            return False
        if not covers(have, wanted):
            content = {key: value for key, value in wanted.items() if key in ("spec", "rules")}
            labels = {"metadata": {"labels": wanted["metadata"]["labels"]}}
            await self._virt.patch(resource, have, {**content, **labels})
        return True

    async def _find(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        try:
            return await self._virt.get(resource, namespace, name)
        except NotFound:
            return None

    def _wanted(self, ca: str | None = None) -> list[tuple[Resource, str, Obj]]:
        """Return the objects, in an order in which each finds what it needs."""
        if ca is None:
            ca = base64.b64encode(self._way.ca_file.read_bytes()).decode()
        service = {"type": "ExternalName", "externalName": self._way.host}
        api_service = {
            "group": GROUP,
            "version": VERSION,
            "service": {"name": NAME, "namespace": NAMESPACE, "port": self._way.port},
            "caBundle": ca,
            # The usual figures for this group: behind all that Kubernetes has itself.
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        }
        # As metrics-server brings it: whoever may look at pods may look at their figures.
        roles = {f"rbac.authorization.k8s.io/aggregate-to-{x}": "true" for x in _AGGREGATES}
        rule = {"apiGroups": [GROUP], "resources": ["pods", "nodes"], "verbs": ["get", "list"]}
        return [
            (
                CLUSTER_ROLES,
                "",
                _object(CLUSTER_ROLES, "virtualcluster:metrics-reader", roles, rules=[rule]),
            ),
            (SERVICES, NAMESPACE, _object(SERVICES, NAME, {}, spec=service)),
            (API_SERVICES, "", _object(API_SERVICES, f"{VERSION}.{GROUP}", {}, spec=api_service)),
        ]

    def _tell(self, what: str) -> None:
        if what != self._told:
            log.info(what, kind="metrics")
            self._told = what


_AGGREGATES = ("admin", "edit", "view")


def _object(resource: Resource, name: str, labels: dict[str, str], **content: object) -> Obj:
    metadata: Obj = {"name": name, "labels": {**OURS, **labels}}
    if resource.namespaced:
        metadata["namespace"] = NAMESPACE
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
        **content,
    }


def _marked(obj: Obj) -> bool:
    return covers(obj["metadata"].get("labels"), OURS)


def _is_ours(api_service: Obj) -> bool:
    """Tell whether an APIService leads here, whatever else the tenant wrote into it.

    `kubectl apply` of a metrics-server's manifest takes ours over and leaves our label on it.
    """
    service = api_service["spec"].get("service") or {}
    return (service.get("namespace"), service.get("name")) == (NAMESPACE, NAME)
