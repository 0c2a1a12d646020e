"""The virtual clusters of a host, found by the labels of the chart's StatefulSets."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from typing import Any, NamedTuple

import yaml

from virtualcluster_cli.api import Api, Obj
from virtualcluster_cli.errors import NotFound, NotReady, Trouble
from virtualcluster_cli.shared.identity import MANAGED_BY, Identity

CHART = "virtualcluster"
LABELS = f"app.kubernetes.io/name={CHART}"
CONTROL_PLANE = f"{LABELS},app.kubernetes.io/component=control-plane"
K3S, SYNCER = "virtual-cluster", "syncer"
API_PORT, METRICS_PORT = 8443, 8081
DATASTORE = "K3S_DATASTORE_ENDPOINT"
NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LONGEST_NAME = 52
"""The chart's own limit: names are derived from it."""


class Installation(NamedTuple):
    """One virtual cluster, as its StatefulSet and its pod say it: of several, one that is ready."""

    statefulset: Obj
    pod: Obj | None

    @property
    def name(self) -> str:
        """Return its name, which is the Helm release's."""
        return str(self.statefulset["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Return its host namespace."""
        return str(self.statefulset["metadata"]["namespace"])

    @property
    def paused(self) -> bool:
        """Tell whether it was scaled to nothing."""
        return bool(self.statefulset["spec"].get("replicas") == 0)

    @property
    def ready(self) -> bool:
        """Tell whether its pod is ready."""
        return self.pod is not None and is_ready(self.pod)

    @property
    def phase(self) -> str:
        """Return one word for people."""
        if "deletionTimestamp" in self.statefulset["metadata"]:
            return "Deleting"
        if self.paused:
            return "Stopping" if self.pod else "Paused"
        if self.ready:
            return "Ready"
        return waiting_reason(self.pod) or "Starting"

    @property
    def chart(self) -> str:
        """Return the chart's name and version."""
        return str((self.statefulset["metadata"].get("labels") or {}).get("helm.sh/chart", ""))

    @property
    def images(self) -> dict[str, str]:
        """Return the images, by container."""
        spec = self.statefulset["spec"]["template"]["spec"]
        return {each["name"]: each.get("image", "") for each in spec["containers"]}

    @property
    def k3s_version(self) -> str:
        """Return the k3s version that the chart knows it by."""
        notes = self.statefulset["metadata"].get("annotations") or {}
        for key, value in notes.items():
            if key.startswith("virtualcluster.dev/") and re.fullmatch(r"v?\d+\.\d+\.\d+.*", value):
                return str(value).removeprefix("v")
        found = re.search(r":v?(\d+\.\d+\.\d+)", self.images.get(K3S, ""))
        return found[1] if found else ""

    @property
    def keeps_data(self) -> bool:
        """Tell whether its data outlives its pod: on a volume, or in a datastore outside."""
        for container in self.statefulset["spec"]["template"]["spec"]["containers"]:
            if any(each["name"] == DATASTORE for each in container.get("env") or ()):
                return True
        volumes = self.statefulset["spec"]["template"]["spec"].get("volumes") or ()
        return any(each["name"] == "data" and "emptyDir" not in each for each in volumes)

    def syncer_flag(self, flag: str) -> str:
        """Return the value of one of the syncer's flags; empty when it is not given."""
        for container in self.statefulset["spec"]["template"]["spec"]["containers"]:
            for argument in container.get("args") or ():
                if container["name"] == SYNCER and argument.startswith(f"{flag}="):
                    return str(argument.partition("=")[2])
        return ""


def all_of(host: Api, namespace: str) -> list[Installation]:
    """Return the virtual clusters of a namespace, or of the whole host."""
    within = f"/namespaces/{namespace}" if namespace else ""
    sets = host.list(f"/apis/apps/v1{within}/statefulsets", LABELS)
    pods = host.list(f"/api/v1{within}/pods", CONTROL_PLANE)
    return [
        Installation(each, _best(pods, _namespace(each), each["metadata"]["name"]))
        for each in sorted(sets, key=lambda s: (_namespace(s), s["metadata"]["name"]))
    ]


def one(host: Api, namespace: str, name: str) -> Installation:
    """Return one virtual cluster; raise NotFound, naming those that there are."""
    check_name(name)
    found = host.find(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}")
    labels = ((found or {}).get("metadata") or {}).get("labels") or {}
    if found is None or labels.get("app.kubernetes.io/name") != CHART:
        names = [each.name for each in all_of(host, namespace)]
        near = difflib.get_close_matches(name, names, 1)
        if near:
            cure = f"did you mean {near[0]!r}?"
        elif names:
            cure = f"there are {', '.join(names)}"
        else:
            cure = "list all with: virtualcluster list --all-namespaces"
        raise NotFound(f"there is no virtual cluster {name!r} in namespace {namespace}", cure)
    pods = host.list(f"/api/v1/namespaces/{namespace}/pods", CONTROL_PLANE)
    return Installation(found, _best(pods, namespace, name))


def _best(pods: list[Obj], namespace: str, name: str) -> Obj | None:
    """Return of a control plane's pods the first that is ready, or else the first."""
    own = re.compile(re.escape(name) + "-[0-9]+")
    ours = [
        each
        for each in pods
        if _namespace(each) == namespace and own.fullmatch(each["metadata"]["name"])
    ]
    return min(ours, key=lambda pod: (not is_ready(pod), pod["metadata"]["name"]), default=None)


def check_name(name: str) -> None:
    """Raise Trouble for a name that the chart would refuse."""
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Trouble(
            f"{name!r} is not a valid name of a virtual cluster",
            f"use at most {LONGEST_NAME} lower case letters, digits and '-', a letter first",
        )


def identity(host: Api, which: Installation) -> Identity:
    """Return who it is on the host."""
    path = f"/api/v1/namespaces/{which.namespace}/configmaps/{which.name}-anchor"
    anchor = host.find(path)
    if anchor is None:
        raise Trouble(
            f"the ConfigMap {which.name}-anchor was deleted, with all that {which.name!r} ran",
            f"delete what is left of it: virtualcluster delete {which.name} -n {which.namespace}",
        )
    return Identity(which.namespace, which.name, anchor["metadata"]["uid"])


def admin_kubeconfig(host: Api, which: Installation, key: str = "config") -> dict[str, Any]:
    """Return the administrator's kubeconfig, as the syncer published it."""
    if which.paused:
        raise NotReady(
            f"virtual cluster {which.name!r} is paused",
            f"virtualcluster resume {which.name} -n {which.namespace}",
        )
    path = f"/api/v1/namespaces/{which.namespace}/secrets/vc-{which.name}"
    secret = host.find(path)
    try:
        text = base64.b64decode(((secret or {}).get("data") or {})[key])
        config: dict[str, Any] = yaml.safe_load(text)
        config["clusters"][0]["cluster"]["server"]
    except (KeyError, IndexError, TypeError, binascii.Error, yaml.YAMLError):
        raise NotReady(
            f"virtual cluster {which.name!r} has not published its kubeconfig yet",
            f"for the reason see: virtualcluster status {which.name} -n {which.namespace}",
        ) from None
    return config


def synced_pods(host: Api, which: Installation) -> list[Obj]:
    """Return the host pods that the syncer made for it."""
    return synced_pods_of(host, which.namespace, which.name)


def synced_pods_of(host: Api, namespace: str, name: str) -> list[Obj]:
    """Return the host pods that belong to a name."""
    return host.list(f"/api/v1/namespaces/{namespace}/pods", f"{MANAGED_BY}={name}")


def is_ready(pod: Obj) -> bool:
    """Tell whether a pod is ready and stays."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def waiting_reason(pod: Obj | None) -> str:
    """Return why a container of a pod does not run, in the kubelet's one word."""
    status = (pod or {}).get("status") or {}
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            reason = ((each.get("state") or {}).get("waiting") or {}).get("reason", "")
            if reason not in ("", "PodInitializing", "ContainerCreating"):
                return str(reason)
    return ""


def _namespace(obj: Obj) -> str:
    return str(obj["metadata"]["namespace"])
