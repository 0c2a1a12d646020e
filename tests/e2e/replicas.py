"""A virtual cluster of several replicas: who leads, and its API through its Service."""

from __future__ import annotations

import os

import yaml

from tests.e2e import kubeconfig, manifests
from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.session import Session
from tests.e2e.tunnel import Tunnel
from tests.e2e.waiting import Pending, is_ready, until

POSTGRES = "postgres://postgres:lab@postgres.databases.svc:5432/{}?sslmode=disable"
ETCD = "http://etcd.databases.svc:2379"
DATASTORE = os.environ.get("VC_E2E_DATASTORE", "PostgreSQL")


def datastore(session: Session, namespace: str, replicas: int) -> Obj:
    """Return the values of replicas on a part of the chosen datastore that nobody else uses."""
    part = session.prefix.replace("-", "")
    if DATASTORE == "etcd":
        made = values(session, namespace, ETCD, replicas)
        made["virtualCluster"]["extraArgs"] = [f"--kube-apiserver-arg=etcd-prefix=/{part}"]
        return made
    return values(session, namespace, POSTGRES.format(part), replicas)


def values(session: Session, namespace: str, endpoint: str, replicas: int) -> Obj:
    """Make the Secret with the endpoint; return the values that name it."""
    session.host.api.create(manifests.secret("datastore", namespace, endpoint=endpoint))
    return {
        "virtualCluster": {
            "replicas": replicas,
            "datastore": {"existingSecret": "datastore"},
            "tlsSans": addresses(session.host),
        },
        "service": {"type": "NodePort"},
    }


def addresses(host: Side) -> list[str]:
    """Return the addresses of the host's nodes."""
    return [
        each["address"]
        for node in host.api.all("Node")
        for each in node["status"]["addresses"]
        if each["type"] == "InternalIP"
    ]


def pods(release: Release) -> list[Obj]:
    """Return the pods of the control plane, by name."""
    labels = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component=control-plane"
    found = release.host.api.all("Pod", release.namespace, labels)
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def wait_all(release: Release, count: int, seconds: float = 180.0) -> list[Obj]:
    """Return the pods once so many are ready, and no others are left."""

    def ready() -> list[Obj]:
        found = pods(release)
        if len(found) != count or not all(map(is_ready, found)):
            raise Pending(str([(p["metadata"]["name"], is_ready(p)) for p in found]))
        return found

    return until(f"{count} replicas of {release.name} are ready", ready, seconds)


def holder(release: Release) -> tuple[str, str]:
    """Return the name and the UID of the pod that leads; empty ones when none does."""
    lease = release.host.api.find("Lease", f"{release.name}-syncer", release.namespace)
    name, _, uid = ((lease or {}).get("spec", {}).get("holderIdentity") or "_").partition("_")
    return name, uid


def leads(release: Release, pod: str) -> bool:
    """Tell whether the syncer of a pod says that it leads."""
    path = f"/api/v1/namespaces/{release.namespace}/pods/{pod}:8081/proxy/metrics"
    text = release.host.api.request("GET", path, headers={"Accept": "text/plain"}).decode()
    return "virtualcluster_leader 1.0" in text.splitlines()


def wait_led(release: Release, *, instead_of: str = "", seconds: float = 60.0) -> tuple[str, str]:
    """Return who leads once it is somebody who says so, and is not the one of that UID."""

    def led() -> tuple[str, str]:
        name, uid = holder(release)
        known = {pod["metadata"]["uid"]: pod for pod in pods(release)}
        if uid == instead_of or uid not in known or not leads(release, name):
            raise Pending(f"holder {name!r} {uid!r}")
        return name, uid

    # Its pod may be going, or its syncer starting again, before another leads.
    return until(f"a syncer of {release.name} leads", led, seconds, despite=(ApiError, Unreachable))


def through_service(session: Session, release: Release) -> Virtual:
    """Return the virtual API as whoever comes through its Service has it."""
    service = release.host.api.get("Service", release.name, release.namespace)
    (port,) = (each["nodePort"] for each in service["spec"]["ports"])
    return _at(session, release, f"https://{addresses(release.host)[0]}:{port}", "service")


def through_pod(session: Session, release: Release, pod: str) -> tuple[Virtual, Tunnel]:
    """Return the virtual API of one replica."""
    tunnel = Tunnel(release.host.api.kubeconfig, release.namespace, pod, 8443).open()
    return _at(session, release, f"https://127.0.0.1:{tunnel.port}", pod), tunnel


def _at(session: Session, release: Release, server: str, name: str) -> Virtual:
    secret = release.host.kubectl(
        *("get", "secret", f"vc-{release.name}", "-n", release.namespace),
        *("-o", "go-template={{.data.config | base64decode}}"),
    ).out
    config = yaml.safe_load(secret)
    config["clusters"][0]["cluster"]["server"] = server
    file = session.scratch / f"{release.namespace}-{release.name}-{name}.kubeconfig"
    return Virtual.of(kubeconfig.write(config, file))
