"""What needs rights that a namespace's admin lacks, or may hold up the host's people: by values."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.conftest import Aging
from tests.e2e.pods import attempt, execute, new_namespace, wait_labelled, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.session import claims_of
from tests.e2e.waiting import Pending, until

SPACE = "optional"


@pytest.fixture(scope="module", autouse=True)
def space(inside: Virtual) -> None:
    new_namespace(inside, SPACE)


@pytest.fixture(scope="module")
def sized(inside: Virtual) -> str:
    resources = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
    inside.api.create(manifests.pod("sized", SPACE, manifests.idle(resources=resources)))
    wait_ready(inside, SPACE, "sized")
    return "sized"


def _resize(inside: Virtual, memory: str) -> None:
    resources = {"limits": {"memory": memory}}
    change = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    inside.api.request(
        "PATCH",
        f"/api/v1/namespaces/{SPACE}/pods/sized/resize",
        change,
        content_type="application/strategic-merge-patch+json",
    )


def test_a_pod_is_resized_in_place(inside: Virtual, generous: Release, sized: str) -> None:
    before = inside.api.get("Pod", sized, SPACE)
    _resize(inside, "128Mi")

    def grown() -> Obj:
        pod = inside.api.get("Pod", sized, SPACE)
        (status,) = pod["status"]["containerStatuses"]
        if status["resources"]["limits"]["memory"] != "128Mi":
            raise Pending(str(status["resources"]), str(pod["status"]["conditions"]))
        return pod

    after = until("the status tells the new size", grown)
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    host_pod = generous.host_pod(after)
    (container,) = host_pod["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "128Mi"
    assert container["resources"]["requests"]["cpu"] == "50m"


def test_a_debugger_joins_a_running_pod(inside: Virtual, sized: str) -> None:
    debug = ("debug", sized, "-n", SPACE, f"--image={manifests.BUSYBOX}", "-c", "debugger")
    inside.kubectl(*debug, "--", "sh", "-c", "echo here it is; sleep 1")

    def ran() -> bool:
        pod = inside.api.get("Pod", sized, SPACE)
        statuses: list[Obj] = pod["status"].get("ephemeralContainerStatuses") or []
        if not any("terminated" in each["state"] for each in statuses):
            raise Pending(str(statuses))
        return True

    until("the debugger has run", ran)
    logs = inside.kubectl("logs", sized, "-n", SPACE, "-c", "debugger").out
    assert logs == "here it is\n"


def test_a_service_with_hand_made_endpoints_leads_to_the_own_pod(inside: Virtual) -> None:
    inside.api.create(
        manifests.pod("server", SPACE, manifests.web()),
        manifests.pod("client", SPACE),
    )
    server, _ = wait_ready(inside, SPACE, "server", "client")
    service = manifests.service("byhand", SPACE)
    del service["spec"]["selector"]
    service["spec"]["ports"][0]["targetPort"] = 8080
    inside.api.create(
        service,
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": manifests.meta("byhand", SPACE),
            "subsets": [
                {
                    "addresses": [{"ip": server["status"]["podIP"]}],
                    "ports": [{"name": "http", "port": 8080}],
                }
            ],
        },
    )

    def answers() -> bool:
        fetch = ("timeout", "5", "wget", "-qO-", "http://byhand/hostname")
        done = attempt(inside, SPACE, "client", *fetch)
        if done.code:
            raise Pending(done.err)
        assert done.out == "server"
        return True

    until("the service answers", answers)


def _evict(generous: Release, host_pod: Obj) -> int:
    """Do what `kubectl drain` does for each pod of a node; return the HTTP status."""
    meta = host_pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
    eviction: Obj = {
        "apiVersion": generous.host.api.resource("PodDisruptionBudget").api_version,
        "kind": "Eviction",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
    }
    try:
        generous.host.api.request("POST", path, eviction)
    except ApiError as error:
        return error.status
    return 201


@pytest.mark.parametrize(
    ("name", "budget"),
    [("few", {"minAvailable": 2}), ("share", {"maxUnavailable": "33%"})],
)
def test_a_drain_of_the_host_respects_the_tenants_budget(
    inside: Virtual, generous: Release, name: str, budget: Obj
) -> None:
    """Three replicas of which two must stay: one may go, the next has to wait for its successor."""
    selector = {"matchLabels": {"app": name}}
    inside.api.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": manifests.meta(name, SPACE),
            "spec": {**budget, "selector": selector},
        },
        # Slow to become ready, so that the second eviction comes while the first one's successor is
        # not: the file that the probe wants is made by the test.
        manifests.deployment(name, SPACE, 3, _probed()),
    )

    def started() -> list[Obj]:
        pods = inside.api.all("Pod", SPACE, f"app={name}")
        running = [each for each in pods if each["status"].get("phase") == "Running"]
        if len(running) != 3:
            raise Pending(f"{len(running)} run")
        return running

    for pod in until("three run", started):
        execute(inside, SPACE, pod["metadata"]["name"], "touch", "/tmp/ready")
    first, second, _ = (
        generous.host_pod(each) for each in wait_labelled(inside, SPACE, f"app={name}", 3)
    )

    def allows() -> bool:
        (host,) = (
            each
            for each in generous.host.api.all("PodDisruptionBudget", generous.namespace)
            if each["metadata"]["name"].startswith(f"{name}-x-")
        )
        if host["status"].get("disruptionsAllowed") != 1:
            raise Pending(str(host["status"]))
        return True

    until("the host's budget allows one", allows)
    assert _evict(generous, first) == 201
    assert _evict(generous, second) == 429  # too many requests: the budget holds it


def _probed() -> Obj:
    probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1}
    return manifests.idle(readinessProbe=probe)


def test_a_token_lives_as_long_as_the_pod_asked(aging: Aging) -> None:
    """How it is renewed while the pod runs is seen much later: test_tokens.py."""
    claims = claims_of(aging.first)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["aud"] == ["vault"]
    assert claims["kubernetes.io"]["pod"]["uid"] == aging.pod["metadata"]["uid"]
