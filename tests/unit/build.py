"""Objects as a virtual API server would give them, with only what a test is about spelled out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syncer import identity
from syncer.identity import Identity
from syncer.kube.objects import Key, Obj
from syncer.settings import Settings
from syncer.state.cluster import World
from syncer.sync.kinds import BY_DEFAULT, KINDS
from syncer.translate.context import Scope

IDENT = Identity("team-x", "vc", "anchor-uid")
API_IP = "10.96.0.200"
DNS_IP = "10.96.0.10"
SCOPE = Scope(IDENT, "vc-workload", API_IP)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def settings(**more: Any) -> Settings:
    """Settings of a syncer whose virtual cluster is not on this machine."""
    given: dict[str, Any] = {
        "release": IDENT.release,
        "host_namespace": IDENT.host_namespace,
        "k3s_data_dir": Path("/none"),
        "k3s_kubeconfig": Path("/none"),
        "kubeconfig_out": Path("/none"),
        "kubelet_host": "kubelet.internal",
        "kinds": frozenset(BY_DEFAULT),
        "node_selector": "",
        "scope": SCOPE,
        "accept_new_datastore": False,
        "leader_elect": False,
        "own_node": "node-1",
        "own_address": "192.168.0.1",
        "pod_ip": "10.42.0.9",
        "pod_name": "vc-0",
        "pod_uid": "pod-uid",
        "api_port": 8443,
        "listen_port": 8081,
    }
    return Settings(**{**given, **more})


def world(scope: Scope = SCOPE) -> World:
    return World(scope, [*KINDS, "pods", "nodes", "events"])


def meta(name: str, namespace: str = "default", **more: Any) -> Obj:
    uid = more.pop("uid", f"virt-{namespace}-{name}")
    return {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": "1", **more}


def pod(
    name: str = "web", namespace: str = "default", *, status: Obj | None = None, **spec: Any
) -> Obj:
    more = spec.pop("metadata", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name, namespace, **more),
        "spec": {"containers": [{"name": "main", "image": "busybox:1.36"}], **spec},
        "status": status or {"phase": "Pending"},
    }


def token_pod(name: str, *wishes: Obj, **more: Any) -> Obj:
    """A pod with a volume of service account tokens: one that asks for nothing particular."""
    sources = [{"serviceAccountToken": {"path": "token", **wish}} for wish in wishes or ({},)]
    return pod(name, volumes=[{"name": "api", "projected": {"sources": sources}}], **more)


def container(**fields: Any) -> Obj:
    return {"name": "main", "image": "busybox:1.36", **fields}


def service(name: str = "web", namespace: str = "default", **spec: Any) -> Obj:
    more = spec.pop("metadata", {})
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(name, namespace, **more),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.50",
            "ports": ports,
            "selector": {"app": name},
            **spec,
        },
    }


def configmap(name: str = "conf", namespace: str = "default", **more: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(name, namespace, **more.pop("metadata", {})),
        "data": {"key": "value"},
        **more,
    }


def secret(name: str = "cred", namespace: str = "default", **more: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta(name, namespace, **more.pop("metadata", {})),
        "type": "Opaque",
        "data": {"key": "dmFsdWU="},
        **more,
    }


def claim(name: str = "data", namespace: str = "default", **spec: Any) -> Obj:
    more = spec.pop("metadata", {})
    status = spec.pop("status", {"phase": "Pending"})
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta(name, namespace, **more),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
        "status": status,
    }


def ingress(name: str = "web", namespace: str = "default", **spec: Any) -> Obj:
    more = spec.pop("metadata", {})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": meta(name, namespace, **more),
        "spec": {"rules": [rule()], **spec},
    }


def host_node(name: str = "node-1", *, status: Obj | None = None, **spec: Any) -> Obj:
    """Return a node as a host has it; `metadata` and `status` go over what it has anyway."""
    metadata = {"labels": {"kubernetes.io/hostname": name, "zone": "a"}, **spec.pop("metadata", {})}
    amounts = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {"host": "secret"}, **metadata},
        "spec": {"podCIDR": "10.42.0.0/24", "providerID": "cloud://secret", **spec},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": "192.168.0.7"},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": {**amounts, "cpu": "1900m"},
            "capacity": amounts,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                    "lastTransitionTime": "2025-01-01T00:00:00Z",
                }
            ],
            "images": [{"names": ["registry/secret"]}],
            "nodeInfo": {"kubeletVersion": "v1.34.4", "osImage": "Debian", "architecture": "amd64"},
            "volumesAttached": [{"name": "secret"}],
            **(status or {}),
        },
    }


def rule(host: str = "web.example", service_name: str = "web") -> Obj:
    backend = {"service": {"name": service_name, "port": {"number": 80}}}
    return {
        "host": host,
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
    }


def host_name(kind: str, name: str, namespace: str = "default") -> str:
    return IDENT.host_name(Key(kind, namespace, name))


def twin(virt: Obj, kind: str, **more: Any) -> Obj:
    """Return a host object as the syncer would have made it for a virtual one."""
    key = Key(kind, virt["metadata"]["namespace"], virt["metadata"]["name"])
    metadata = IDENT.metadata(key, virt, controller=kind == "pods")
    metadata |= {"uid": f"host-{key.name}", "resourceVersion": "1"}
    return {
        "apiVersion": virt["apiVersion"],
        "kind": virt["kind"],
        "metadata": metadata,
        **({"spec": virt["spec"]} if "spec" in virt else {}),
        **more,
    }


def unmarked(virt: Obj, kind: str) -> Obj:
    """Return a stranger's host object that has the name which a twin would have."""
    obj = twin(virt, kind)
    obj["metadata"] |= {"labels": {}, "annotations": {}, "ownerReferences": []}
    return obj


def marked_as(host: Obj, uid: str) -> Obj:
    """Return the host object as the twin of another UID."""
    host["metadata"]["annotations"][identity.UID] = uid
    return host
