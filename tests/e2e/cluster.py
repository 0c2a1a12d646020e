"""One API server, read and written as plain dicts; both sides of a virtual cluster are one each."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import urllib3
from kubernetes import config

from tests.e2e.older import OLDER, spelled

Obj = dict[str, Any]

MERGE = "application/merge-patch+json"
REQUEST_SECONDS = 30.0  # no answer of an API server takes this long unless something is wrong


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Unreachable(Exception):
    """No answer at all."""


class Resource(NamedTuple):
    """Where the objects of a kind are found."""

    api_version: str
    plural: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        """Return the path of the group and version."""
        return (
            f"/api/{self.api_version}" if self.api_version == "v1" else f"/apis/{self.api_version}"
        )


class Event(NamedTuple):
    """One line of a watch."""

    type: str
    obj: Obj


RESOURCES = {
    "APIService": Resource("apiregistration.k8s.io/v1", "apiservices", namespaced=False),
    "Certificate": Resource("cert-manager.io/v1", "certificates"),
    "ClusterIssuer": Resource("cert-manager.io/v1", "clusterissuers", namespaced=False),
    "ClusterRole": Resource("rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False),
    "ClusterRoleBinding": Resource(
        "rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False
    ),
    "ConfigMap": Resource("v1", "configmaps"),
    "CustomResourceDefinition": Resource(
        "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False
    ),
    "DaemonSet": Resource("apps/v1", "daemonsets"),
    "Deployment": Resource("apps/v1", "deployments"),
    "EndpointSlice": Resource("discovery.k8s.io/v1", "endpointslices"),
    "Endpoints": Resource("v1", "endpoints"),
    "Event": Resource("v1", "events"),
    "HorizontalPodAutoscaler": Resource("autoscaling/v2", "horizontalpodautoscalers"),
    "Ingress": Resource("networking.k8s.io/v1", "ingresses"),
    "IngressClass": Resource("networking.k8s.io/v1", "ingressclasses", namespaced=False),
    "Job": Resource("batch/v1", "jobs"),
    "Lease": Resource("coordination.k8s.io/v1", "leases"),
    "MutatingWebhookConfiguration": Resource(
        "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", namespaced=False
    ),
    "Namespace": Resource("v1", "namespaces", namespaced=False),
    "NetworkPolicy": Resource("networking.k8s.io/v1", "networkpolicies"),
    "Node": Resource("v1", "nodes", namespaced=False),
    "PersistentVolume": Resource("v1", "persistentvolumes", namespaced=False),
    "PersistentVolumeClaim": Resource("v1", "persistentvolumeclaims"),
    "Pod": Resource("v1", "pods"),
    "PrometheusRule": Resource("monitoring.coreos.com/v1", "prometheusrules"),
    "PriorityClass": Resource("scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
    "PodDisruptionBudget": Resource("policy/v1", "poddisruptionbudgets"),
    "ReplicaSet": Resource("apps/v1", "replicasets"),
    "ResourceQuota": Resource("v1", "resourcequotas"),
    "Role": Resource("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Resource("rbac.authorization.k8s.io/v1", "rolebindings"),
    "RuntimeClass": Resource("node.k8s.io/v1", "runtimeclasses", namespaced=False),
    "Secret": Resource("v1", "secrets"),
    "Service": Resource("v1", "services"),
    "ServiceAccount": Resource("v1", "serviceaccounts"),
    "ServiceMonitor": Resource("monitoring.coreos.com/v1", "servicemonitors"),
    "StatefulSet": Resource("apps/v1", "statefulsets"),
    "StorageClass": Resource("storage.k8s.io/v1", "storageclasses", namespaced=False),
    "ValidatingWebhookConfiguration": Resource(
        "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", namespaced=False
    ),
}


class Cluster:
    """An API server, under the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the client package, about its own future
            load: Any = config.new_client_from_config  # not typed
            self._api = load(config_file=str(kubeconfig))
        self._served: dict[str, frozenset[str]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._api.rest_client.pool_manager.clear()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Send one request; raise ApiError or Unreachable unless it succeeds."""
        response = self._send(
            method, path, body, query or {}, content_type, REQUEST_SECONDS, headers or {}
        )
        try:
            data: bytes = response.data
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{method} {path}: the answer broke off: {error}") from error
        return data

    def json(self, method: str, path: str, body: Any = None, **options: Any) -> Obj:
        """Send one request and return the object that it answers with."""
        answer: Obj = json.loads(self.request(method, path, body, **options))
        return answer

    def get(self, kind: str, name: str, namespace: str = "") -> Obj:
        """Return one object."""
        return self.json("GET", self.path(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> Obj | None:
        """Return one object, or None when there is none of that name."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def all(self, kind: str, namespace: str = "", labels: str = "") -> list[Obj]:
        """Return the objects of a namespace, or of all."""
        query = {"labelSelector": labels} if labels else {}
        items: list[Obj] = self.json("GET", self.path(kind, namespace), query=query)["items"]
        return items

    def create(self, *objects: Obj) -> Obj:
        """Create objects in this order, in versions that are served; return the last as created."""
        created: Obj = {}
        for obj in objects:
            namespace = obj["metadata"].get("namespace", "")
            kind = obj["kind"]
            made = spelled(obj, self.resource(kind).api_version)
            created = self.json("POST", self.path(kind, namespace), made)
        return created

    def patch(self, kind: str, name: str, namespace: str, patch: Obj, *, sub: str = "") -> Obj:
        """Merge a patch into an object, or into a subresource of it."""
        path = "/".join(filter(None, (self.path(kind, namespace, name), sub)))
        return self.json("PATCH", path, patch, content_type=MERGE)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, grace: int | None = None
    ) -> None:
        """Delete an object; one that is gone already is as good."""
        options: Obj = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self.request("DELETE", self.path(kind, namespace, name), options)
        except ApiError as error:
            if error.status != 404:
                raise

    def watch(
        self, kind: str, namespace: str, version: str, labels: str, seconds: int
    ) -> Iterator[Event]:
        """Yield the changes after a resource version until the server ends the watch."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            "labelSelector": labels,
        }
        path = self.path(kind, namespace)
        response = self._send("GET", path, None, query, "", seconds + REQUEST_SECONDS, {})
        rest = b""
        try:
            for chunk in response.stream(amt=None):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError(event["object"]["code"], event["object"]["message"])
                    yield Event(event["type"], event["object"])
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(str(error)) from error
        finally:
            response.close()

    def serves(self, api_version: str, plural: str) -> bool:
        """Tell whether the server has a resource type in that version, by API discovery."""
        if api_version not in self._served:
            try:
                found = self.json("GET", Resource(api_version, plural).root)["resources"]
            except ApiError as error:
                if error.status != 404:
                    raise
                found = []
            self._served[api_version] = frozenset(each["name"] for each in found)
        return plural in self._served[api_version]

    def resource(self, kind: str) -> Resource:
        """Return where this server has the objects of a kind."""
        newest = RESOURCES[kind]
        if kind not in OLDER or self.serves(newest.api_version, newest.plural):
            return newest
        return newest._replace(api_version=OLDER[kind])

    def listable(self) -> list[Resource]:
        """Return every resource type that can be listed, by API discovery."""
        groups = self.json("GET", "/apis")["groups"]
        roots = [f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups]
        found = []
        for root in ["/api/v1", *roots]:
            answer = self.json("GET", root)
            for each in answer["resources"]:
                if "list" in each["verbs"] and "/" not in each["name"]:
                    version = answer["groupVersion"]
                    found.append(Resource(version, each["name"], namespaced=each["namespaced"]))
        return found

    def list_of(self, resource: Resource, namespace: str = "") -> list[Obj]:
        """Return the objects of a type that discovery found."""
        items: list[Obj] = self.json("GET", _place(resource, namespace))["items"] or []
        return items

    def path(self, kind: str, namespace: str = "", name: str = "") -> str:
        """Return the path of a kind's objects, or of one of them."""
        return "/".join(filter(None, (_place(self.resource(kind), namespace), name)))

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, str],
        content_type: str,
        seconds: float,
        headers: dict[str, str],
    ) -> Any:
        # The package knows kubeconfigs and credentials; its own requests retry and choose types.
        verb, url, sent, *_ = self._api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", **headers},
            auth_settings=["BearerToken"],
        )
        if body is not None:
            sent["Content-Type"] = content_type
            body = json.dumps(body)
        pool = self._api.rest_client.pool_manager
        try:
            response = pool.request(
                verb,
                url,
                body=body,
                headers=sent,
                retries=False,
                timeout=urllib3.Timeout(connect=5.0, read=seconds),
                preload_content=False,
            )
            if response.status >= 400:
                raise ApiError(response.status, _message(response.data))
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{method} {path}: {error}") from error
        return response


def _place(resource: Resource, namespace: str) -> str:
    if resource.namespaced and namespace:
        return f"{resource.root}/namespaces/{namespace}/{resource.plural}"
    return f"{resource.root}/{resource.plural}"


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")[:500]
