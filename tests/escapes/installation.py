"""The virtual cluster that the cases are tried in, with all that values can give a tenant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.cluster import Obj
from tests.e2e.session import Session
from tests.e2e.waiting import until
from tests.escapes.round import Place, plant

RELEASE = "esc"
SHIM = "/root/shim"
GATES = "ImageVolume=true,HostnameOverride=true,EnvFiles=true,CrossNamespaceVolumeDataSource=true"
"""So that the virtual API takes fields which it would drop; the host is as it is."""
VALUES: Obj = {
    "virtualCluster": {"extraArgs": [f"--kube-apiserver-arg=feature-gates={GATES}"]},
    "sync": {
        "endpoints": {"enabled": True},
        "podDisruptionBudgets": {"enabled": True},
        "pods": {"ephemeralContainers": True, "resize": True},
        "ingresses": {"hosts": ["tenant.example.com"], "classes": ["nginx"]},
        "persistentVolumeClaims": {"storageClasses": ["standard"]},
    },
    # Any type of Service: else that list would hide whether ExternalName is kept inside.
    "isolation": {"nodeSelector": {"kubernetes.io/os": "linux"}, "serviceTypes": []},
    "networkPolicy": {"enabled": True},
    # Nothing is there unless the run puts it there: see controls.py.
    "syncer": {"extraEnv": [{"name": "PYTHONPATH", "value": f"{SHIM}:/app"}]},
}


@contextmanager
def installed(kubeconfig: Path, scratch: Path, *, keep: bool) -> Iterator[tuple[Session, Place]]:
    """Provide it, with objects of others beside it; nothing of it is left behind."""
    session = Session(kubeconfig, scratch)
    session.prefix = session.prefix.replace("e2e", "escapes")
    try:
        namespace = session.namespace("host")
        victim = session.namespace("victim")
        session.host.api.create(
            {"kind": "ServiceAccount", "metadata": {"name": "default-host", "namespace": victim}}
        )
        release, since = session.release(RELEASE, namespace), time.time()
        release.install(VALUES)
        release.wait_coredns()
        virt = session.connect(release)
        facts = {
            "rel": RELEASE,
            "host": namespace,
            "victim": victim,
            "foreign": "victim-data",
            "workload": f"{RELEASE}-workload",
            "name": "",
        }
        place = Place(release, virt, facts, since)
        learn(place)
        plant(place)
        yield session, place
    finally:
        session.close(keep=keep)


def learn(place: Place) -> None:
    """Find out the addresses and names that cases are about."""
    release, host = place.release, place.release.host.api
    plane = host.get("Pod", release.pod, release.namespace)
    dns = until(
        "CoreDNS has an address",
        lambda: [
            each
            for each in release.host_pods()
            if each["metadata"]["name"].startswith("coredns-") and each["status"].get("podIP")
        ],
    )[0]
    services = {each["metadata"]["name"]: each for each in host.all("Service", release.namespace)}
    kube_dns = next(each for name, each in services.items() if name.startswith("kube-dns-"))
    claims = host.all("PersistentVolumeClaim", release.namespace)
    account = plane["spec"]["serviceAccountName"]
    workload = dns["spec"]["serviceAccountName"]
    assert account != workload
    place.facts |= {
        "node": plane["spec"]["nodeName"],
        "nodeip": plane["status"]["hostIP"],
        "planeip": plane["status"]["podIP"],
        "ownip": dns["status"]["podIP"],
        "dnspod": dns["metadata"]["annotations"]["virtualcluster.dev/name"],
        "dnshost": dns["metadata"]["name"],
        "dns": kube_dns["spec"]["clusterIP"],
        "api": services[release.name]["spec"]["clusterIP"],
        "data": claims[0]["metadata"]["name"],
        "workload": workload,
        "account": account,
    }
