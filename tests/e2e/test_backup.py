"""A backup that was taken while somebody writes, and all the ways back."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Unreachable
from tests.e2e.commandline import IMAGES, USABLE, CommandLine
from tests.e2e.ledger import Ledger
from tests.e2e.pods import execute, new_namespace, wait_labelled, wait_phase, wait_ready
from tests.e2e.processes import restarts
from tests.e2e.release import CHART, Release, Side, Virtual, virt_uid
from tests.e2e.session import BASELINE, Session
from tests.e2e.waiting import Pending, until

SPACE = "shop"
BEFORE = 100  # objects that are acknowledged when the backup begins
SECONDS = 120.0
NEW = ("--chart", str(CHART), *IMAGES)  # of what `restore` creates
KINDS = ("Namespace", "ConfigMap", "Secret", "Deployment", "StatefulSet", "ClusterRole", "Service")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Writer(threading.Thread):
    """Writes ConfigMaps one after the other, and knows which were acknowledged."""

    def __init__(self, virt: Virtual) -> None:
        super().__init__(daemon=True)
        self._virt = virt
        self._end = threading.Event()
        self.acknowledged: list[str] = []
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        try:
            while not self._end.is_set():
                name = f"written-{len(self.acknowledged)}"
                self._virt.api.create(manifests.config_map(name, SPACE, text="x" * 1000))
                self.acknowledged.append(name)
        except Exception as error:  # noqa: BLE001  raised by whoever waits for the end
            self.error = error


class Dev(NamedTuple):
    """A virtual cluster, its user's command line, and a backup of it."""

    cli: CommandLine
    release: Release
    file: Path
    acknowledged: list[str]
    """What was written before the backup began."""
    there: dict[str, dict[str, str]]
    """UIDs by name of what was there then, by kind."""
    ca: str
    """Its certificate authority, as the Secret `vc-dev` has it."""

    @contextlib.contextmanager
    def inside(self, name: str = "dev", namespace: str = "") -> Iterator[Virtual]:
        """Give its inside, through the command line's own connection."""
        with self.cli.connected(name, namespace or self.release.namespace):
            virt = Virtual.of(self.cli.host)
            try:
                yield virt
            finally:
                virt.api.close()

    def restore(self, name: str = "dev", namespace: str = "", *args: str) -> str:
        """Restore the backup; return what was said on the way."""
        where = ("-n", namespace or self.release.namespace, "-f", str(self.file), *args)
        return self.cli("restore", name, *where, "--timeout", f"{USABLE:.0f}").err


def uids(virt: Virtual) -> dict[str, dict[str, str]]:
    """Return the UIDs of all objects of some kinds, by namespace and name."""
    return {
        kind: {
            f"{e['metadata'].get('namespace', '')}/{e['metadata']['name']}": e["metadata"]["uid"]
            for e in virt.api.all(kind)
        }
        for kind in KINDS
    }


def authority(host: Side, namespace: str, name: str) -> str:
    return str(host.api.get("Secret", f"vc-{name}", namespace)["data"]["certificate-authority"])


@pytest.fixture(scope="module")
def dev(session: Session) -> Iterator[Dev]:
    """Made, filled and saved by somebody who may administer one namespace and nothing else."""
    namespace = session.namespace("backup", BASELINE)
    user = session.user(session.namespace("backup-users"), "keeper", "admin", namespace)
    cli = CommandLine(user.kubeconfig, session.scratch / "backup")
    release = session.release("dev", namespace)
    cli.create("dev", namespace)
    file = session.scratch / "dev.tar.gz"
    empty = Dev(cli, release, file, [], {}, authority(session.host, namespace, "dev"))
    with empty.inside() as virt:
        _fill(virt)
        with Writer(virt) as writer:
            until("enough is written", lambda: len(writer.acknowledged) >= BEFORE, SECONDS)
            acknowledged, there = list(writer.acknowledged), uids(virt)
            began = time.monotonic()
            cli("backup", "dev", "-n", namespace, "-o", str(file))
            took = time.monotonic() - began
            meanwhile = len(writer.acknowledged) - len(acknowledged)
        assert meanwhile, "nobody was writing meanwhile"
        note = f"backup: {took:.1f} s, {file.stat().st_size / 1e3:.0f} kB, {meanwhile} writes in it"
        session.timings.notes.append(note)
    yield empty._replace(acknowledged=acknowledged, there=there)
    cli("delete", "dev", "-n", namespace, "--yes")


def _fill(virt: Virtual) -> None:
    mount = [{"name": "data", "mountPath": "/data"}]
    database = manifests.deployment("db", SPACE, 1, manifests.idle(volumeMounts=mount))
    new_namespace(virt, SPACE)
    virt.api.create(
        manifests.config_map("settings", SPACE, colour="red"),
        manifests.secret("password", SPACE, word="sesame"),
        manifests.service("web", SPACE),
        manifests.service("db", SPACE, target=80, clusterIP="None"),
        manifests.deployment(
            "web", SPACE, 2, manifests.web(envFrom=[{"configMapRef": {"name": "settings"}}])
        ),
        manifests.stateful(database, manifests.claim("data", SPACE)),
        manifests.pod("bare", SPACE),
    )
    wait_labelled(virt, SPACE, "app=web", 2)
    wait_ready(virt, SPACE, "db-0", "bare")
    execute(virt, SPACE, "db-0", "sh", "-c", "echo row 1 > /data/table && sync")


def _all_is_there(dev: Dev, virt: Virtual) -> None:
    found = uids(virt)
    for kind, names in dev.there.items():
        lost = names.items() - found[kind].items()
        # The address of the API server is the installation's, and k3s' own names go with its host.
        assert not lost, f"{kind}: {sorted(lost)[:5]}"
    kept = {name.partition("/")[2] for name in found["ConfigMap"]}
    assert not [name for name in dev.acknowledged if name not in kept]
    assert virt.api.get("Secret", "password", SPACE)["data"]["word"]


def test_the_file_is_private(dev: Dev) -> None:
    assert dev.file.stat().st_mode & 0o777 == 0o600
    assert len(dev.acknowledged) >= BEFORE


def test_it_took_the_control_plane_neither_a_restart_nor_its_readiness(dev: Dev) -> None:
    pod = dev.release.host.api.get("Pod", dev.release.pod, dev.release.namespace)
    assert [restarts(pod, each) for each in ("virtual-cluster", "syncer")] == [0, 0]


def _scale(release: Release, replicas: int) -> None:
    release.host.api.patch(
        "StatefulSet", release.name, release.namespace, {"spec": {"replicas": replicas}}
    )


def _lose_the_volume(release: Release) -> None:
    """Delete claim and volume, and give it an empty one, as `helm upgrade` would."""
    api, namespace = release.host.api, release.namespace
    _scale(release, 0)
    until("it is stopped", lambda: api.find("Pod", release.pod, namespace) is None, SECONDS)
    claim = api.get("PersistentVolumeClaim", f"{release.name}-data", namespace)
    api.delete("PersistentVolumeClaim", f"{release.name}-data", namespace)
    until(
        "its volume is gone",
        lambda: api.find("PersistentVolumeClaim", f"{release.name}-data", namespace) is None,
        SECONDS,
    )
    meta = {field: claim["metadata"][field] for field in ("name", "namespace", "labels")}
    helm = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
    notes = {key: claim["metadata"]["annotations"][key] for key in helm}
    wanted = ("accessModes", "resources", "storageClassName")
    spec = {field: claim["spec"][field] for field in wanted if field in claim["spec"]}
    api.create({**claim, "metadata": {**meta, "annotations": notes}, "spec": spec, "status": {}})
    _scale(release, 1)


def test_a_volume_that_was_lost_ends_no_pod_and_comes_back(dev: Dev) -> None:
    """Threats R4 and R29: adopted, not doubled; what is newer is held."""
    release = dev.release
    with dev.inside() as virt:
        virt.api.create(manifests.pod("newer", SPACE))
        wait_ready(virt, SPACE, "newer")
        before = {pod["metadata"]["uid"]: pod for pod in virt.api.all("Pod", SPACE)}
    with Ledger(release) as ledger:
        _lose_the_volume(release)
        until(
            "the syncer sees that this is not its datastore",
            lambda: "deletions held" in release.syncer_log(),
            SECONDS,
        )
        said = dev.restore("dev", "", "--yes")
        assert "host objects are newer than the backup" in said
        with dev.inside() as virt:
            _all_is_there(dev, virt)
            pods = virt.api.all("Pod", SPACE)
            known = {uid for uid, pod in before.items() if pod["metadata"]["name"] != "newer"}
            assert {pod["metadata"]["uid"] for pod in pods} == known
            twins = [release.host_pod(pod) for pod in pods]
            assert [restarts(twin, "main") for twin in twins] == [0] * len(twins)
            assert execute(virt, SPACE, "db-0", "cat", "/data/table") == "row 1\n"
            claim = virt.api.get("PersistentVolumeClaim", "data-db-0", SPACE)
            assert claim["status"]["phase"] == "Bound"
    assert not ledger.doubled()
    assert not ledger.lost(list(before.values())), "the newer one, too, is there"
    assert authority(release.host, release.namespace, "dev") == dev.ca


def test_what_is_newer_goes_once_that_is_confirmed(dev: Dev) -> None:
    release = dev.release
    newer = f"newer-x-{SPACE}-x-dev"
    assert release.host.api.find("Pod", newer, release.namespace)
    note = "virtualcluster.dev/confirm-deletions=yes"
    dev.cli.kubectl("annotate", "configmap", "dev-anchor", "-n", release.namespace, note)
    gone = (
        "the newer pod is gone",
        lambda: not release.host.api.find("Pod", newer, release.namespace),
    )
    until(*gone, SECONDS)

    def quiet() -> bool:
        anchor = release.host.api.get("ConfigMap", "dev-anchor", release.namespace)
        left = {key.partition("/")[2] for key in anchor["metadata"]["annotations"]}
        if left & {"restored", "confirm-deletions"}:
            raise Pending(str(left))
        return True

    until("the marks are gone", quiet, SECONDS)


def test_into_another_namespace_under_another_name(dev: Dev, session: Session) -> None:
    """Beside the first, which has the addresses of the Services."""
    namespace = session.namespace("backup-copy", BASELINE)
    session.release("copy", namespace)
    admin = CommandLine(session.host.kubectl.kubeconfig, session.scratch / "backup-admin")
    copy = dev._replace(cli=admin)
    copy.restore("copy", namespace, *NEW)
    with copy.inside("copy", namespace) as virt:
        _all_is_there(dev, virt)
        pods = wait_labelled(virt, SPACE, "app=web", 2)  # the controller's: new ones
        bare = wait_phase(virt, SPACE, "bare", "Failed")
        assert bare["status"]["reason"] == "HostPodGone"
        assert (
            virt.api.get("PersistentVolumeClaim", "data-db-0", SPACE)["status"]["phase"] == "Lost"
        )
        name = f"web.{SPACE}.svc.cluster.local"
        pod = pods[0]["metadata"]["name"]
        address = virt.api.get("Service", "web", SPACE)["spec"]["clusterIP"]
        assert address in execute(virt, SPACE, pod, "sh", "-c", f"nslookup {name} || true")
    assert authority(session.host, namespace, "copy") == dev.ca
    first = dev.release.host.api.get("Service", f"web-x-{SPACE}-x-dev", dev.release.namespace)
    assert first["spec"]["clusterIP"] != address
    admin("delete", "copy", "-n", namespace, "--yes")


def test_after_it_was_deleted(dev: Dev) -> None:
    """The same name in the same namespace, created by `restore` itself."""
    release = dev.release
    dev.cli("delete", "dev", "-n", release.namespace, "--yes")
    said = dev.restore("dev", "", *NEW)
    assert "virtual cluster dev is created" in said
    assert "newer" not in said
    with dev.inside() as virt:
        _all_is_there(dev, virt)
        wait_labelled(virt, SPACE, "app=web", 2)
        inside = {pod["metadata"]["uid"] for pod in virt.api.all("Pod")}

        def same() -> bool:
            outside = {virt_uid(pod) for pod in release.host_pods()}
            if outside - inside:
                raise Pending(json.dumps(sorted(outside - inside)))
            return True

        until("the host has no pod more", same, SECONDS, despite=(Unreachable,))
    assert authority(release.host, release.namespace, "dev") == dev.ca
