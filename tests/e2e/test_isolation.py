"""Several virtual clusters on one host, in one namespace and in two, know nothing of each other."""

from __future__ import annotations

import concurrent.futures
import json
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.e2e.conftest import Tenant
from tests.e2e.pods import execute, new_namespace, wait_ready, wait_settled
from tests.e2e.release import Release, Virtual
from tests.e2e.session import BASELINE, Session
from tests.e2e.sweep import Found, Sweep, differences
from tests.e2e.waiting import Pending, until

SPACE = "common"
CLEAN = 60.0


class Other(NamedTuple):
    """One of the three."""

    release: Release
    virt: Virtual


class Three(NamedTuple):
    """The shared one, one beside it in its namespace, and one of its name in another namespace."""

    first: Other
    beside: Other
    elsewhere: Other
    of_beside: set[Found]
    """The host objects of the one beside."""

    def each(self) -> list[Other]:
        """Return all three."""
        return [self.first, self.beside, self.elsewhere]


def _fill(virt: Virtual, owner: int) -> None:
    source = {"configMapRef": {"name": "same"}}
    new_namespace(virt, SPACE)
    virt.api.create(
        manifests.ingress("same", SPACE, "same.example.com"),
        manifests.config_map("same", SPACE, owner=str(owner)),
        manifests.service("same", SPACE),
        manifests.pod("same", SPACE, manifests.web(envFrom=[source]), labels={"app": "same"}),
    )


@pytest.fixture(scope="module")
def three(tenant: Tenant, session: Session) -> Iterator[Three]:
    wait_settled(tenant.release, tenant.virt)
    sweep = Sweep(session.host.api, tenant.release.namespace)
    alone = sweep.inside()
    beside = session.release("second", tenant.release.namespace)
    elsewhere = session.release("virtualcluster", session.namespace("other", BASELINE))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Not quite alike: one has a kind switched off, as the values of the first release had it.
        off: Obj = {"syncer": {"extraArgs": ["--disable-sync-resources=ingresses"]}}
        installs = [pool.submit(beside.install, off), pool.submit(elsewhere.install)]
        for each in installs:
            each.result()
    for release in (beside, elsewhere):
        release.wait_coredns()
    second, third = session.connect(beside), session.connect(elsewhere)
    for number, virt in enumerate((second, third), 1):
        _fill(virt, number)
        wait_ready(virt, SPACE, "same")
    of_beside = sweep.inside() - alone
    _fill(tenant.virt, 0)
    wait_ready(tenant.virt, SPACE, "same")
    first = Other(tenant.release, tenant.virt)
    yield Three(first, Other(beside, second), Other(elsewhere, third), of_beside)
    tenant.virt.api.delete("Namespace", SPACE)


def test_objects_of_the_same_name_do_not_collide(three: Three) -> None:
    for number, (release, virt) in enumerate(three.each()):
        assert f"owner={number}" in execute(virt, SPACE, "same", "env").splitlines()
        twin = release.host_pod(virt.api.get("Pod", "same", SPACE))
        assert twin["metadata"]["name"] == f"same-x-{SPACE}-x-{release.name}"


def test_a_name_leads_to_ones_own_service(three: Three) -> None:
    services = [virt.api.get("Service", "same", SPACE) for _, virt in three.each()]
    addresses = [each["spec"]["clusterIP"] for each in services]
    assert len(set(addresses)) == 3
    for (_, virt), address in zip(three.each(), addresses, strict=True):

        def found(virt: Virtual = virt, address: str = address) -> bool:
            name = f"same.{SPACE}.svc.cluster.local"
            said = execute(virt, SPACE, "same", "sh", "-c", f"nslookup {name} || true")
            if address not in said:
                raise Pending(said)
            assert not [each for each in addresses if each != address and each in said]
            return True

        until("the name leads to the own service", found, 30)


def test_none_sees_the_others_objects(three: Three) -> None:
    uids = [
        {obj["metadata"]["uid"] for kind in ("Pod", "Service") for obj in virt.api.all(kind)}
        for _, virt in three.each()
    ]
    hosts = [{pod["metadata"]["uid"] for pod in release.host_pods()} for release, _ in three.each()]
    assert len(set.union(*uids)) == sum(map(len, uids))
    assert len(set.union(*hosts)) == sum(map(len, hosts))
    for number, (_, virt) in enumerate(three.each()):
        kinds = ("Pod", "Service", "ConfigMap", "Node", "Event")
        text = json.dumps([virt.api.all(kind) for kind in kinds])
        foreign = set.union(*(uids[n] | hosts[n] for n in range(3) if n != number))
        assert not [uid for uid in foreign if uid in text]


def test_a_kind_that_is_switched_off_stays_inside(three: Three) -> None:
    """Both made an Ingress before the Service, so with the Service's twin its turn has come."""
    for release, _ in (three.beside, three.elsewhere):
        api, namespace = release.host.api, release.namespace
        twins = [each["metadata"]["name"] for each in api.all("Service", namespace)]
        assert f"same-x-{SPACE}-x-{release.name}" in twins
    api, name = three.elsewhere.release.host.api, f"same-x-{SPACE}-x-virtualcluster"
    namespace = three.elsewhere.release.namespace
    until("the other has its Ingress", lambda: api.find("Ingress", name, namespace), 30)
    mirrored = api.all("Ingress", three.beside.release.namespace)
    assert not [each for each in mirrored if each["metadata"]["name"].endswith("-x-second")]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_credentials_of_one_open_no_other(three: Three, session: Session) -> None:
    for key in three.each():
        for door in three.each():
            if key is door:
                continue
            config = json.loads(key.virt.kubectl.kubeconfig.read_text())
            forward = door.release.forward
            assert forward is not None
            config["clusters"][0]["cluster"] = {
                "server": f"https://127.0.0.1:{forward.port}",
                "insecure-skip-tls-verify": True,
            }
            file = session.scratch / "wrong-key.kubeconfig"
            file.write_text(json.dumps(config))
            api = Cluster(file)
            with pytest.raises(ApiError) as refused:
                api.all("Namespace")
            assert refused.value.status == 401
            api.close()


def test_a_certificate_is_trusted_in_its_own_cluster_only(three: Three) -> None:
    authorities = {
        json.loads(virt.kubectl.kubeconfig.read_text())["clusters"][0]["cluster"][
            "certificate-authority-data"
        ]
        for _, virt in three.each()
    }
    assert len(authorities) == 3


def test_deleting_one_leaves_its_neighbour_byte_for_byte(three: Three, session: Session) -> None:
    first, beside = three.first, three.beside
    sweep = Sweep(session.host.api, first.release.namespace)

    def inside() -> Obj:
        return {
            kind: first.virt.api.all(kind) for kind in ("Pod", "Service", "ConfigMap", "Secret")
        }

    before_inside, before = inside(), sweep.content()
    session.uninstall(beside.release)
    began = time.monotonic()

    def clean() -> bool:
        left = sweep.inside() & three.of_beside
        if left:
            raise Pending(", ".join(map(str, left)))
        return True

    until("nothing of the neighbour is left", clean, CLEAN)
    took = time.monotonic() - began
    session.timings.notes.append(f"neighbour gone {took:.1f} s after helm delete")
    kept = {found: text for found, text in before.items() if found not in three.of_beside}
    assert not differences(kept, sweep.content())
    assert inside() == before_inside


def test_deleting_a_whole_namespace_is_held_up_by_nothing(three: Three, session: Session) -> None:
    release = three.elsewhere.release
    held: Obj = manifests.config_map("held", SPACE)
    held["metadata"]["finalizers"] = ["example.com/never"]
    three.elsewhere.virt.api.create(held)
    release.host.api.delete("Namespace", release.namespace)
    until(
        "the namespace is gone",
        lambda: release.host.api.find("Namespace", release.namespace) is None,
        90,
    )
    if release.forward is not None:
        release.forward.close()
    session.releases.remove(release)
    assert three.first.virt.api.find("Pod", "same", SPACE)
