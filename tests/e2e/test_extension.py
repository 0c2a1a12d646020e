"""The virtual API is extended from pods of the virtual cluster, as any cluster's is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import extending, manifests
from tests.e2e.certificates import for_service
from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.pods import wait_ready
from tests.e2e.processes import container_id, first_process, kill, restarts
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import Pending, brief, is_ready, until

PLACES = "/apis/stable.example.com/{}/namespaces/{}/places"
SOON = 30.0  # seconds until the API server has taken in a configuration or dials again
BACK = 150.0  # as in test_faults: a container that was killed before waits before it starts again


@pytest.fixture(scope="module")
def extended(virt: Virtual, space: str) -> Iterator[str]:
    """A namespace whose pods extend the API; what is not in it is removed at the end."""
    serving = for_service(extending.NAME, space)
    proxy = virt.api.get("ConfigMap", "extension-apiserver-authentication", "kube-system")
    ca = proxy["data"]["requestheader-client-ca-file"]
    made = [
        extending.webhook("Mutating", space, "/add-label", serving),
        extending.webhook("Validating", space, "/configmaps", serving),
        extending.definition(space, serving),
        extending.aggregated(space, serving),
    ]
    virt.api.create(*extending.servers(space, serving, ca))
    wait_ready(virt, space, extending.NAME)
    virt.api.create(*made)
    yield space
    for each in made:
        virt.api.delete(each["kind"], each["metadata"]["name"])


def _checked(virt: Virtual, space: str, name: str, **data: str) -> Obj:
    return virt.api.create(
        {
            **manifests.config_map(name, space, **data),
            "metadata": {**manifests.meta(name, space), "labels": {"checked": "yes"}},
        }
    )


def _place(virt: Virtual, space: str, version: str, name: str) -> Obj:
    return virt.api.json("GET", f"{PLACES.format(version, space)}/{name}")


def _all_work(virt: Virtual, space: str, when: str) -> None:
    """Have each extension do its work once."""

    def mutated() -> bool:
        name = f"mutated-{when}"
        virt.api.delete("ConfigMap", name, space)
        return "added-label" in _checked(virt, space, name)["metadata"]["labels"]

    until("the mutating webhook adds its label", mutated, SOON, despite=(ApiError, Unreachable))

    def denied() -> str:
        try:
            _checked(virt, space, f"denied-{when}", **{"webhook-e2e-test": "webhook-disallow"})
        except ApiError as error:
            return error.message
        virt.api.delete("ConfigMap", f"denied-{when}", space)
        return ""

    said = until("the validating webhook refuses", denied, SOON)
    assert "the configmap contains unwanted key and value" in said

    def created() -> Obj:
        place: Obj = {"apiVersion": "stable.example.com/v1", "kind": "Place", "hostPort": "here:80"}
        meta = manifests.meta(when, space)
        return virt.api.json("POST", PLACES.format("v1", space), {**place, "metadata": meta})

    until("the custom resource is served", created, SOON, despite=(ApiError,))
    converted = until(
        "the conversion webhook converts",
        lambda: _place(virt, space, "v2", when),
        SOON,
        despite=(ApiError,),
    )
    assert (converted["host"], converted["port"]) == ("here", "80")
    assert "hostPort" not in converted

    path = f"/apis/{extending.GROUP}/v1/namespaces/{space}/callers"
    listed = until(
        "the aggregated API answers",
        lambda: virt.api.json("GET", path)["items"],
        SOON,
        despite=(ApiError,),
    )
    assert [each["metadata"]["name"] for each in listed] == ["system.admin"]
    shown = virt.kubectl("get", "callers", "-n", space, "-o", "name").out
    assert shown.strip() == f"caller.{extending.GROUP}/system.admin"


def test_webhooks_conversions_and_aggregated_apis_work(virt: Virtual, extended: str) -> None:
    _all_work(virt, extended, "first")


def test_they_work_after_k3s_was_killed(virt: Virtual, release: Release, extended: str) -> None:
    pod = release.host.api.get("Pod", release.pod, release.namespace)
    process = first_process(container_id(pod, "virtual-cluster"))
    if process is None:
        pytest.skip("the host's nodes are other machines: no process of theirs can be killed here")
    count = restarts(pod, "virtual-cluster")
    kill(process)

    def back() -> bool:
        now = release.host.api.get("Pod", release.pod, release.namespace)
        if restarts(now, "virtual-cluster") == count or not is_ready(now):
            raise Pending(brief(now))
        return True

    until("the control plane is ready again", back, BACK)
    # It answers for its own types before it knows those of custom resources.
    until(
        "the virtual API is ready",
        lambda: virt.api.request("GET", "/readyz", headers={"Accept": "text/plain"}),
        SOON,
        despite=(Unreachable, ApiError),
    )
    assert _place(virt, extended, "v2", "first")["host"] == "here", "converted once more"
    _all_work(virt, extended, "second")


def test_a_namespace_goes_while_the_aggregated_api_is_there(virt: Virtual, extended: str) -> None:
    """Its discovery is part of every deletion of a namespace."""
    name = f"{extended}-short"
    virt.api.create(manifests.namespace(name))
    virt.api.create(manifests.config_map("in-it", name, a="b"))
    virt.api.delete("Namespace", name)
    until("the namespace is gone", lambda: virt.api.find("Namespace", name) is None, 60)
