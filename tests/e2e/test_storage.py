"""Volumes outlive pods."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, wait_gone, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import Pending, until


@pytest.fixture(scope="module")
def database(virt: Virtual, space: str) -> list[Obj]:
    """A StatefulSet of two with a claim each, behind a headless Service."""
    mount = [{"name": "data", "mountPath": "/data"}]
    made = manifests.deployment("db", space, 2, manifests.idle(volumeMounts=mount))
    virt.api.create(
        # A port that no container names would leave Endpoints without addresses.
        manifests.service("db", space, target=80, clusterIP="None"),
        manifests.stateful(made, manifests.claim("data", space), podManagementPolicy="Parallel"),
    )
    return wait_ready(virt, space, "db-0", "db-1")


def test_data_outlives_its_pod(virt: Virtual, space: str, database: list[Obj]) -> None:
    uid = database[0]["metadata"]["uid"]
    for number in range(2):
        execute(virt, space, f"db-{number}", "sh", "-c", f"echo row {number} > /data/table && sync")
    virt.kubectl("delete", "pod", "-n", space, "db-0")
    wait_gone(virt, "Pod", space, "db-0", uid)

    def back() -> Obj | None:
        return virt.api.find("Pod", "db-0", space)

    until("the StatefulSet makes db-0 again", back, 30)
    (again,) = wait_ready(virt, space, "db-0")
    assert again["metadata"]["uid"] != uid
    assert execute(virt, space, "db-0", "cat", "/data/table") == "row 0\n"
    assert execute(virt, space, "db-1", "cat", "/data/table") == "row 1\n"


def test_a_claim_is_bound_on_both_sides(
    virt: Virtual, release: Release, space: str, database: list[Obj]
) -> None:
    assert database
    claim = virt.api.get("PersistentVolumeClaim", "data-db-0", space)
    assert claim["status"]["phase"] == "Bound"
    assert claim["status"]["capacity"]["storage"]
    name = f"data-db-0-x-{space}-x-{release.name}"
    twin = release.host.api.get("PersistentVolumeClaim", name, release.namespace)
    assert twin["status"]["phase"] == "Bound"


def test_pods_of_a_stateful_set_are_found_by_name(
    virt: Virtual, space: str, database: list[Obj]
) -> None:
    address = virt.api.get("Pod", "db-1", space)["status"]["podIP"]
    assert database

    def found() -> bool:
        name = f"db-1.db.{space}.svc.cluster.local"
        said = execute(virt, space, "db-0", "sh", "-c", f"nslookup {name} || true")
        if address not in said:
            raise Pending(said)
        return True

    until("db-0 finds db-1 by name", found, 60)
