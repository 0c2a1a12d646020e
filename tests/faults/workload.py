"""What a tenant does in a case: makes things, changes them, and deletes them again, in phases."""

from __future__ import annotations

import functools
from collections.abc import Callable

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Cluster, Obj, Unreachable
from tests.e2e.waiting import until
from tests.faults.pair import Pair

Phase = Callable[["Tenant"], None]


class Tenant:
    """Acts in one virtual namespace, by the virtual API itself."""

    def __init__(self, pair: Pair, namespace: str) -> None:
        self.pair = pair
        self.namespace = namespace

    @property
    def api(self) -> Cluster:
        """Return the virtual API: another one after a restart of k3s."""
        return self.pair.virt

    def opens(self) -> None:
        """Make the namespace; wait for the account without which no pod is taken."""
        self.api.create(manifests.namespace(self.namespace))
        find = functools.partial(self.api.find, "ServiceAccount", "default", self.namespace)
        until("the namespace has its account", find, despite=(Unreachable, ApiError))

    def leaves(self) -> None:
        """Give the namespace up."""
        self.api.delete("Namespace", self.namespace)

    def makes(self, *objects: Obj) -> None:
        """Create objects."""
        self.api.create(*objects)

    def changes(self, kind: str, name: str, patch: Obj) -> None:
        """Merge a patch into an object."""
        self.api.patch(kind, name, self.namespace, patch)

    def deletes(self, kind: str, *names: str, grace: int | None = None) -> None:
        """Delete objects, and say so to the ledger."""
        for name in names:
            self.pair.record.deletes(kind, self.namespace, name)
            self.api.delete(kind, name, self.namespace, grace=grace)


def bare(namespace: str) -> Obj:
    """Return a pod that no controller replaces, with a volume."""
    claim = {"name": "spare", "persistentVolumeClaim": {"claimName": "spare"}}
    return manifests.pod("bare", namespace, volumes=[claim])


def create(tenant: Tenant) -> None:
    """Make one of everything that is synced."""
    ns = tenant.namespace
    uses = [
        {"configMapRef": {"name": "settings"}},
        {"secretRef": {"name": "creds"}},
    ]
    web = manifests.deployment("web", ns, 2, manifests.idle(envFrom=uses))
    claim = manifests.claim("data", ns)
    database = manifests.stateful(manifests.deployment("db", ns, 1), claim)
    work = manifests.shell("true")
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": manifests.meta("once", ns),
        "spec": {
            "completions": 1,
            "template": {"spec": {"restartPolicy": "Never", "containers": [work]}},
        },
    }
    tls = {"tls": [{"hosts": [f"{ns}.example.com"], "secretName": "cert"}]}
    tenant.opens()
    tenant.makes(
        manifests.config_map("settings", ns, colour="red"),
        manifests.config_map("unused", ns, colour="none"),
        manifests.secret("creds", ns, password="one"),
        manifests.secret("cert", ns, what="a pair"),
        manifests.service("web", ns, target=8080),
        manifests.service("outside", ns, target=8080, type="NodePort"),
        manifests.service("db", ns, target=8080, clusterIP="None"),
        claim | {"metadata": manifests.meta("spare", ns)},
        manifests.ingress("web", ns, f"{ns}.example.com", **tls),
        web,
        database,
        job,
        bare(ns),
    )


def change(tenant: Tenant) -> None:
    """Change what may be changed."""
    tenant.changes("ConfigMap", "settings", {"data": {"colour": "blue", "more": "yes"}})
    tenant.changes("Secret", "creds", {"stringData": {"password": "two"}})
    tenant.changes("Service", "web", {"spec": {"type": "NodePort"}})
    tenant.changes("Pod", "bare", {"metadata": {"labels": {"mood": "good"}}})
    path = {"path": "/more", "pathType": "Prefix"}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": f"{tenant.namespace}.example.com"}
    rules = [{**rule, "http": {"paths": [{**path, "backend": backend}]}}]
    tenant.changes("Ingress", "web", {"spec": {"rules": rules}})
    tenant.changes("Deployment", "web", {"spec": {"replicas": 1}})


def shrink(tenant: Tenant) -> None:
    """Delete a part, of each kind something."""
    tenant.deletes("Pod", "bare")
    tenant.deletes("Ingress", "web")
    tenant.deletes("Service", "outside")
    tenant.deletes("PersistentVolumeClaim", "spare")
    tenant.deletes("Deployment", "web")


def clear(tenant: Tenant) -> None:
    """Delete the rest, whatever was deleted before."""
    shrink(tenant)
    tenant.deletes("StatefulSet", "db")
    tenant.deletes("Job", "once")
    tenant.deletes("Service", "web", "db")
    tenant.deletes("PersistentVolumeClaim", "data-db-0")
    tenant.deletes("ConfigMap", "settings", "unused")
    tenant.deletes("Secret", "creds", "cert")


PHASES: dict[str, Phase] = {"create": create, "change": change, "shrink": shrink, "clear": clear}
PODS = {"create": 5, "change": 4, "shrink": 2, "clear": 0}
"""How many pods there are after each."""
