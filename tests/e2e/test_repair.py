"""What happens on the host behind the tenant's back: copies come back, originals are untouched."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, secrets_of, wait_labelled, wait_phase, wait_ready
from tests.e2e.release import Release, Virtual, virt_uid
from tests.e2e.waiting import Pending, until

SOON = 10.0  # seconds within which a copy must be back
KINDS = {"ConfigMap": "settings", "Secret": "password", "Service": "web"}


@pytest.fixture(scope="module")
def used(virt: Virtual, space: str) -> str:
    """A pod with its configuration, behind a Service; returns the pod's name."""
    sources = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}]
    virt.api.create(
        manifests.config_map("settings", space, colour="red"),
        manifests.secret("password", space, word="sesame"),
        manifests.service("web", space),
        manifests.pod("user", space, manifests.web(envFrom=sources), labels={"app": "web"}),
    )
    wait_ready(virt, space, "user")
    return "user"


def _twin(release: Release, kind: str, space: str) -> Obj | None:
    name = f"{KINDS[kind]}-x-{space}-x-{release.name}"
    return release.host.api.find(kind, name, release.namespace)


def _content(obj: Obj) -> Obj:
    return {field: obj.get(field) for field in ("data", "spec", "type")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_deleted_on_the_host_comes_back_and_the_original_is_untouched(
    virt: Virtual, release: Release, space: str, used: str, kind: str
) -> None:
    assert used
    original, copy = virt.api.get(kind, KINDS[kind], space), _twin(release, kind, space)
    assert copy is not None
    release.host.api.delete(kind, copy["metadata"]["name"], release.namespace)

    def back() -> Obj | None:
        found = _twin(release, kind, space)
        return found if found and found["metadata"]["uid"] != copy["metadata"]["uid"] else None

    again = until(f"the copy of the {kind} is back", back, SOON)
    assert _content(again) == _content(copy)
    assert virt.api.get(kind, KINDS[kind], space) == original


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_a_copy_changed_on_the_host_is_put_right(
    virt: Virtual, release: Release, space: str, used: str, kind: str
) -> None:
    assert used
    original, copy = virt.api.get(kind, KINDS[kind], space), _twin(release, kind, space)
    assert copy is not None
    value = "d3Jvbmc="
    change = {"data": dict.fromkeys(copy["data"], value) | {"more": value}}
    release.host.api.patch(kind, copy["metadata"]["name"], release.namespace, change)

    def right() -> bool:
        found = _twin(release, kind, space)
        if found is None or found["data"] != copy["data"]:
            raise Pending(str(found and found["data"]))
        return True

    until(f"the copy of the {kind} says what the original says", right, SOON)
    assert virt.api.get(kind, KINDS[kind], space) == original


def test_a_service_whose_copy_came_back_still_answers(virt: Virtual, space: str, used: str) -> None:
    address = virt.api.get("Service", "web", space)["spec"]["clusterIP"]
    virt.api.create(manifests.pod("client", space))
    wait_ready(virt, space, "client")

    def answers() -> bool:
        url = f"http://{address}/hostname"
        said = execute(virt, space, "client", "sh", "-c", f"timeout 3 wget -qO- {url} || true")
        if said.strip() != used:
            raise Pending(said)
        return True

    until("the service answers", answers, 30)


def test_a_token_deleted_on_the_host_comes_back(
    virt: Virtual, release: Release, space: str, used: str
) -> None:
    api, namespace = release.host.api, release.namespace
    twin = release.host_pod(virt.api.get("Pod", used, space))
    (name,) = secrets_of(twin)
    old = api.get("Secret", name, namespace)
    api.delete("Secret", name, namespace)

    def back() -> bool:
        found = api.find("Secret", name, namespace)
        return found is not None and found["metadata"]["uid"] != old["metadata"]["uid"]

    until("the token is back", back, SOON)


def test_a_deployments_pod_deleted_on_the_host_is_replaced(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(manifests.deployment("kept", space, 2))
    before = wait_labelled(virt, space, "app=kept", 2)
    victim = release.host_pod(before[0])
    release.host.kubectl(
        *("delete", "pod", "-n", release.namespace, victim["metadata"]["name"], "--wait=false")
    )

    def replaced() -> list[Obj]:
        pods = virt.api.all("Pod", space, "app=kept")
        if before[0]["metadata"]["uid"] in [pod["metadata"]["uid"] for pod in pods]:
            raise Pending("the virtual pod is still there")
        return pods

    until("the virtual pod has ended", replaced, 30)
    after = wait_labelled(virt, space, "app=kept", 2)
    uids = {pod["metadata"]["uid"] for pod in after}
    assert before[1]["metadata"]["uid"] in uids, "the other one was left alone"


def test_a_bare_pod_deleted_on_the_host_has_failed_and_is_never_run_again(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(manifests.pod("bare", space))
    (pod,) = wait_ready(virt, space, "bare")
    twin = release.host_pod(pod)
    release.host.kubectl("delete", "pod", "-n", release.namespace, twin["metadata"]["name"])
    failed = wait_phase(virt, space, "bare", "Failed", seconds=30)
    assert failed["metadata"]["uid"] == pod["metadata"]["uid"]
    assert failed["status"]["reason"]
    # What comes after it in the queue has been done, so it was considered and left alone.
    virt.api.create(manifests.pod("later", space))
    wait_ready(virt, space, "later")
    uid = pod["metadata"]["uid"]
    assert uid not in [virt_uid(each) for each in release.host_pods()]
