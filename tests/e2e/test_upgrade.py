"""Upgrades, of the chart and of k3s: the control plane is replaced, and nothing else notices.

VC_E2E_K3S_MINORS="1.33 1.34" names the minors of k3s to go through, all of whose images the host
has; without it k3s stays as it is, and only the chart is upgraded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.e2e import kubeconfig, manifests
from tests.e2e.cluster import Obj
from tests.e2e.gap import Gap
from tests.e2e.ledger import Ledger
from tests.e2e.pods import new_namespace, wait_gone, wait_labelled, wait_ready
from tests.e2e.release import CHART, Release, Virtual, virt_uid
from tests.e2e.session import BASELINE, Session
from tests.e2e.waiting import Pending, until

MINORS = os.environ.get("VC_E2E_K3S_MINORS", "").split()
SPACE = "shop"
VERSION_KEY = "virtualcluster.dev/k3s-version"


class Trace(NamedTuple):
    """What tells one pod, Service or claim from another that took its place."""

    side: str
    kind: str
    name: str
    identity: str


class Shop:
    """A virtual cluster with workloads, reached where the replacement of its pod is seen best."""

    def __init__(self, session: Session) -> None:
        self.session = session
        namespace = session.namespace("upgrade", BASELINE)
        self.release: Release = session.release("virtualcluster", namespace)
        self.address = _address(session.host.api.all("Node")[0])
        self.release.install(self.values(MINORS[0] if MINORS else None))
        self._fill()
        self.before = self.traces()

    def values(self, minor: str | None, **more: Obj) -> Obj:
        """Return the values for a minor's preset; None: k3s as it is."""
        preset: Obj = {}
        if minor:
            preset = yaml.safe_load((CHART / "values" / f"{minor}.yaml").read_text())
        cluster = {**preset.get("virtualCluster", {}), "tlsSans": [self.address]}
        return {"virtualCluster": cluster, "service": {"type": "NodePort"}, **more}

    def jump(self, version: str) -> Obj:
        """Return values that say that the image holds another k3s than it does."""
        values = self.values(MINORS[-1] if MINORS else None)
        values["virtualCluster"]["version"] = version
        return values

    def inside(self) -> Virtual:
        """Return the virtual cluster, by credentials that are valid now."""
        if self.release.forward is not None:
            self.release.forward.close()
        return self.session.connect(self.release)

    def outside(self) -> Path:
        """Return a kubeconfig that reaches it by a port of the host's first node."""
        config = yaml.safe_load(self.inside().api.kubeconfig.read_text())
        service = self.release.host.api.get("Service", self.release.name, self.release.namespace)
        file = self.release.scratch / "upgrade-node-port.kubeconfig"
        return kubeconfig.write(kubeconfig.at_node(config, service, self.address), file)

    def control_plane(self) -> str:
        """Return the UID of the control plane's pod."""
        pod = self.release.host.api.get("Pod", self.release.pod, self.release.namespace)
        return str(pod["metadata"]["uid"])

    def version(self) -> str:
        """Return which k3s the release says that it runs."""
        found = self.release.host.api.get("StatefulSet", self.release.name, self.release.namespace)
        return str(found["metadata"]["annotations"][VERSION_KEY])

    def traces(self) -> set[Trace]:
        """Return what must be the same afterwards, on both sides."""
        virt = self.inside()
        found = set()
        for pod in virt.api.all("Pod", SPACE):
            found |= {Trace("virtual", "Pod", pod["metadata"]["name"], _life(pod))}
            twin = self.release.host_pod(pod)
            found |= {Trace("host", "Pod", twin["metadata"]["name"], _life(twin))}
        for service in virt.api.all("Service", SPACE):
            meta, ip = service["metadata"], service["spec"]["clusterIP"]
            found |= {Trace("virtual", "Service", meta["name"], f"{meta['uid']} {ip}")}
        for claim in virt.api.all("PersistentVolumeClaim", SPACE):
            meta, volume = claim["metadata"], claim["spec"]["volumeName"]
            found |= {Trace("virtual", "Claim", meta["name"], f"{meta['uid']} {volume}")}
        return found

    def work(self, name: str) -> None:
        """See a pod come and go: what is up also works."""
        virt = self.inside()
        virt.api.create(manifests.pod(name, SPACE))
        (pod,) = wait_ready(virt, SPACE, name)
        virt.api.delete("Pod", name, SPACE)
        wait_gone(virt, "Pod", SPACE, name, pod["metadata"]["uid"])
        uid = pod["metadata"]["uid"]
        until(
            f"the host's twin of {name} is gone",
            lambda: uid not in map(virt_uid, self.release.host_pods()),
        )

    def _fill(self) -> None:
        virt = self.inside()
        volume = [{"name": "data", "mountPath": "/data"}]
        database = manifests.deployment("db", SPACE, 1, manifests.idle(volumeMounts=volume))
        job_pod = manifests.pod("report", SPACE, restartPolicy="Never")["spec"]
        job: Obj = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": manifests.meta("report", SPACE),
            "spec": {"template": {"metadata": {"labels": {"app": "report"}}, "spec": job_pod}},
        }
        new_namespace(virt, SPACE)
        virt.api.create(
            manifests.config_map("settings", SPACE, colour="red"),
            manifests.service("web", SPACE),
            manifests.service("db", SPACE, clusterIP="None"),
            manifests.deployment(
                "web", SPACE, 2, manifests.web(envFrom=[{"configMapRef": {"name": "settings"}}])
            ),
            manifests.stateful(database, manifests.claim("data", SPACE)),
            job,
        )
        wait_labelled(virt, SPACE, "app=web", 2)
        wait_labelled(virt, SPACE, "app=report", 1)
        wait_ready(virt, SPACE, "db-0")


@pytest.fixture(scope="module")
def shop(session: Session) -> Iterator[Shop]:
    made = Shop(session)
    yield made
    session.uninstall(made.release)


def _climb(shop: Shop, what: str, values: Obj, chart: str = "") -> None:
    """Upgrade; see that the control plane was replaced, and nothing else."""
    replaced, node_port = shop.control_plane(), shop.outside()
    with Ledger(shop.release) as ledger, Gap(node_port) as gap:
        shop.release.upgrade(values, chart=chart)
        assert shop.control_plane() != replaced
        wait_labelled(shop.inside(), SPACE, "app=web", 2)
        assert shop.traces() == shop.before
        shop.work("probe")
    assert shop.traces() == shop.before
    assert not ledger.doubled()
    assert not ledger.lost(shop.inside().api.all("Pod"))
    assert gap.answers
    shop.session.timings.notes.append(f"{what}: the virtual API was away for {gap.seconds:.1f} s")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("old", "new"), list(pairwise(MINORS)))
def test_k3s_goes_up_a_minor(shop: Shop, old: str, new: str) -> None:
    assert shop.version().startswith(f"{old}.")
    _climb(shop, f"k3s {old} to {new}", shop.values(new))
    assert shop.version().startswith(f"{new}.")


@pytest.mark.timeout(600)
def test_a_new_chart_replaces_the_control_plane_only(shop: Shop, tmp_path: Path) -> None:
    helm = shop.release.helm()
    helm("package", str(CHART), "--version", "99.0.0", "--destination", str(tmp_path))
    chart = str(tmp_path / "virtualcluster-99.0.0.tgz")
    # A real new version has another syncer; here another annotation makes the pod a new one.
    values = shop.values(MINORS[-1] if MINORS else None, podAnnotations={"example.com/n": "1"})
    _climb(shop, "another version of the chart", values, chart)


@pytest.mark.parametrize(
    ("step", "message"),
    [(2, "must not skip a minor version"), (-1, "cannot go back a minor version")],
)
def test_a_jump_is_refused_and_changes_nothing(shop: Shop, step: int, message: str) -> None:
    running, minor = shop.control_plane(), int(shop.version().split(".")[1])
    done = shop.release.upgrade(shop.jump(f"1.{minor + step}.0"), check=False)
    assert done.code != 0
    assert message in done.err
    assert shop.control_plane() == running
    assert shop.traces() == shop.before


def test_what_helm_cannot_see_is_refused_before_k3s_starts(shop: Shop) -> None:
    """Whoever renders the chart and applies it, as Argo CD does, has no StatefulSet to look at."""
    release = shop.release
    minor = int(shop.version().split(".")[1])
    rendered = release.template(shop.jump(f"1.{minor + 2}.0"))
    release.host.kubectl("apply", "--namespace", release.namespace, "-f", "-", stdin=rendered)

    def refused() -> bool:
        log = release.host.kubectl(
            *("logs", release.pod, "-n", release.namespace, "-c", "discover"), check=False
        )
        if f"go to k3s 1.{minor + 1} first" not in log.out:
            raise Pending(log.out or log.err)
        return True

    until("the new pod says why it does not start", refused)
    release.upgrade(shop.values(MINORS[-1] if MINORS else None))
    wait_labelled(shop.inside(), SPACE, "app=web", 2)
    assert shop.traces() == shop.before


def _address(node: Obj) -> str:
    addresses = node["status"]["addresses"]
    return str(next(each["address"] for each in addresses if each["type"] == "InternalIP"))


def _life(pod: Obj) -> str:
    """Return what changes when a pod or one of its containers is another one."""
    containers = sorted(
        f"{each['name']} {each['containerID']} {each['restartCount']}"
        for each in pod["status"]["containerStatuses"]
    )
    return f"{pod['metadata']['uid']} {pod['status']['podIP']} {containers}"
