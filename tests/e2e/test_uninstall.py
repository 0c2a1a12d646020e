"""`helm delete` leaves nothing, whatever the tenant made and however it holds on to it."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from tests.e2e import manifests
from tests.e2e.cluster import Cluster, Obj
from tests.e2e.pods import new_namespace, wait_labelled, wait_ready
from tests.e2e.release import CHART, K3S_IMAGE, Release, Virtual
from tests.e2e.session import BASELINE, Session
from tests.e2e.sweep import Found, Sweep
from tests.e2e.waiting import Pending, until

WITHIN = 60.0
SPACE = "shop"


class Full:
    """An installation with values as users have them, and a tenant who made one of everything."""

    def __init__(self, session: Session) -> None:
        namespace = session.namespace("full", BASELINE)
        self.session = session
        self.sweep = Sweep(session.host.api, namespace)
        self.before = self.sweep.everything()
        self.release: Release = session.release("virtualcluster", namespace)
        session.install(self.release, _values(session.host.api))
        self.virt: Virtual = session.connect(self.release)
        self._fill()
        self.full = self.sweep.everything()

    def _fill(self) -> None:
        volume = [{"name": "data", "mountPath": "/data"}]
        database = manifests.deployment("db", SPACE, 1, manifests.idle(volumeMounts=volume))
        sources = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}]
        # Neither a finalizer nor a long time to end may hold up the host.
        held = manifests.pod("held", SPACE, terminationGracePeriodSeconds=600)
        held["metadata"]["finalizers"] = ["example.com/hold"]
        new_namespace(self.virt, SPACE)
        self.virt.api.create(
            manifests.config_map("settings", SPACE, colour="red"),
            manifests.secret("password", SPACE, word="sesame"),
            manifests.service("web", SPACE, type="NodePort"),
            manifests.service("db", SPACE, clusterIP="None"),
            manifests.deployment("web", SPACE, 2, manifests.web(envFrom=sources)),
            manifests.stateful(database, manifests.claim("data", SPACE)),
            held,
            manifests.ingress("web", SPACE, "shop.example.com"),
        )
        wait_labelled(self.virt, SPACE, "app=web", 2)
        wait_ready(self.virt, SPACE, "db-0", "held")


def _values(host: Cluster) -> Obj:
    version = K3S_IMAGE.rpartition(":")[2] or host.json("GET", "/version")["gitVersion"]
    minor = ".".join(version.lstrip("v").split(".")[:2])
    preset: Obj = yaml.safe_load((CHART / "values" / f"{minor}.yaml").read_text())
    preset["virtualCluster"]["extraArgs"] = ["--service-cidr=10.96.0.0/12"]
    return {**preset, "storage": {"size": "5Gi"}}


@pytest.fixture(scope="module")
def full(session: Session) -> Full:
    return Full(session)


def test_the_sweep_sees_what_is_there(full: Full) -> None:
    """A sweep that finds nothing proves nothing."""
    types = {found.type.split(".")[0] for found in full.full - full.before}
    made = {
        *("configmaps", "endpoints", "endpointslices", "ingresses", "persistentvolumeclaims"),
        *("persistentvolumes", "pods", "rolebindings", "roles", "secrets", "serviceaccounts"),
        *("services", "statefulsets"),
    }
    # Hosts before 1.17 do not serve EndpointSlices, and on 1.17 nobody makes any.
    api = full.release.host.api
    slices = [each for each in api.listable() if each.plural == "endpointslices"]
    if not any(api.list_of(each) for each in slices):
        made.remove("endpointslices")
    assert made <= types


def test_nothing_on_the_host_has_a_finalizer_of_ours(full: Full) -> None:
    for found, text in full.sweep.content().items():
        finalizers = json.loads(text)["metadata"].get("finalizers") or []
        ours = [each for each in finalizers if "virtualcluster" in each or "example.com" in each]
        assert not ours, f"{found} has {ours}"


def test_deleting_the_service_alone_ends_no_workload(full: Full) -> None:
    release = full.release
    api, namespace = release.host.api, release.namespace
    before = {pod["metadata"]["uid"] for pod in release.host_pods()}
    service = api.get("Service", release.name, namespace)
    # What the garbage collector takes shows when it has dealt with the Service's end.
    token = manifests.config_map("owned-by-service", namespace)
    owner = {"apiVersion": "v1", "kind": "Service"}
    owner |= {key: service["metadata"][key] for key in ("name", "uid")}
    token["metadata"]["ownerReferences"] = [owner]
    api.create(token)
    api.delete("Service", release.name, namespace)
    until(
        "the garbage collector has been there",
        lambda: api.find("ConfigMap", "owned-by-service", namespace) is None,
        60,
    )
    after = {pod["metadata"]["uid"] for pod in release.host_pods()}
    assert after == before


def test_helm_delete_leaves_nothing(full: Full) -> None:
    began = time.monotonic()
    full.session.uninstall(full.release)

    def clean() -> set[Found] | bool:
        left = full.sweep.everything() - full.before
        if left:
            raise Pending(", ".join(sorted(map(str, left))))
        return True

    until("the namespace is as it was", clean, WITHIN)
    took = time.monotonic() - began
    full.session.timings.notes.append(f"helm delete of a full cluster: clean after {took:.1f} s")
    assert full.sweep.everything() == full.before
