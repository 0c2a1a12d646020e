"""What a pod finds out about itself and its surroundings, and what the tenant reads about it."""

from __future__ import annotations

import json

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, wait_phase, wait_ready
from tests.e2e.release import Release, Side, Virtual, virt_uid
from tests.e2e.waiting import Pending, until

FIELDS = {
    "NAME": "metadata.name",
    "NAMESPACE": "metadata.namespace",
    "UID_": "metadata.uid",
    "ACCOUNT": "spec.serviceAccountName",
    "NODE": "spec.nodeName",
    "IP": "status.podIP",
    "TIER": "metadata.labels['tier']",
}


@pytest.fixture(scope="module")
def curious(virt: Virtual, space: str) -> Obj:
    """A pod that asks for everything that the downward API tells, of a namespace with a service."""
    env = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in FIELDS.items()
    ]
    env.append(
        {
            "name": "CPU",
            "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}},
        }
    )
    env.append({"name": "GREETING", "value": "$(NAME) costs $$5"})
    items = [
        {"path": path, "fieldRef": {"fieldPath": f"metadata.{path}"}}
        for path in ("labels", "annotations", "name", "namespace")
    ]
    pod = manifests.pod(
        "curious",
        space,
        manifests.idle(
            env=env,
            resources={"requests": {"cpu": "10m"}},
            volumeMounts=[{"name": "about", "mountPath": "/about"}],
        ),
        labels={"tier": "front", "app": "curious"},
        volumes=[{"name": "about", "downwardAPI": {"items": items}}],
    )
    pod["metadata"]["annotations"] = {"note": 'says "hello"'}
    virt.api.create(manifests.service("shop", space), pod)
    (ready,) = wait_ready(virt, space, "curious")
    return ready


@pytest.fixture(scope="module")
def env(virt: Virtual, space: str, curious: Obj) -> dict[str, str]:
    lines = execute(virt, space, curious["metadata"]["name"], "env").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_downward_api_tells_virtual_facts_in_the_environment(
    env: dict[str, str], curious: Obj, space: str
) -> None:
    assert env["NAME"] == "curious"
    assert env["NAMESPACE"] == space
    assert env["UID_"] == curious["metadata"]["uid"]
    assert env["ACCOUNT"] == "default"
    assert env["NODE"] == curious["spec"]["nodeName"]
    assert env["IP"] == curious["status"]["podIP"]
    assert env["TIER"] == "front"
    assert env["CPU"] == "10"
    assert env["GREETING"] == "curious costs $5"


def test_the_downward_api_tells_virtual_facts_in_a_volume(
    virt: Virtual, space: str, curious: Obj
) -> None:
    assert curious

    def read(name: str) -> str:
        return execute(virt, space, "curious", "cat", f"/about/{name}")

    assert read("name") == "curious"
    assert read("namespace") == space
    assert set(read("labels").splitlines()) == {'app="curious"', 'tier="front"'}
    assert 'note="says \\"hello\\""' in read("annotations").splitlines()


def test_a_changed_label_reaches_the_volume(virt: Virtual, space: str, curious: Obj) -> None:
    assert curious
    virt.kubectl("label", "-n", space, "pod", "curious", "tier=back", "--overwrite")

    def changed() -> bool:
        said = execute(virt, space, "curious", "cat", "/about/labels")
        if 'tier="back"' not in said:
            raise Pending(said)
        return True

    until("the volume shows the new label", changed, 120)


def test_the_environment_names_the_services_of_the_virtual_namespace_only(
    virt: Virtual, space: str, env: dict[str, str]
) -> None:
    address = virt.api.get("Service", "shop", space)["spec"]["clusterIP"]
    assert env["SHOP_SERVICE_HOST"] == address
    assert env["SHOP_SERVICE_PORT"] == env["SHOP_SERVICE_PORT_HTTP"] == "80"
    assert env["SHOP_PORT"] == f"tcp://{address}:80"
    api = virt.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"]
    assert env["KUBERNETES_SERVICE_HOST"] == api
    named = {name for name in env if name.endswith("_SERVICE_HOST")}
    assert named == {"SHOP_SERVICE_HOST", "KUBERNETES_SERVICE_HOST"}


def test_the_host_name_is_the_pods_own(virt: Virtual, space: str, curious: Obj) -> None:
    assert curious
    assert execute(virt, space, "curious", "hostname").strip() == "curious"


def test_init_containers_run_first_one_after_the_other(virt: Virtual, space: str) -> None:
    mount = [{"name": "shared", "mountPath": "/shared"}]
    pod = manifests.pod(
        "ordered",
        space,
        manifests.shell("echo main >> /shared/log; cat /shared/log", volumeMounts=mount),
        initContainers=[
            manifests.shell(f"echo {each} >> /shared/log", name=each, volumeMounts=mount)
            for each in ("first", "second")
        ],
        volumes=[{"name": "shared", "emptyDir": {}}],
        restartPolicy="Never",
    )
    virt.api.create(pod)
    wait_phase(virt, space, "ordered", "Succeeded")
    assert virt.kubectl("logs", "-n", space, "ordered").out.split() == ["first", "second", "main"]


def test_a_sidecar_runs_beside_the_others_where_the_host_knows_sidecars_and_else_is_refused(
    virt: Virtual, release: Release, space: str
) -> None:
    sidecar = manifests.idle(name="proxy", restartPolicy="Always")
    pod = manifests.pod("accompanied", space, initContainers=[sidecar])
    if not _is_sidecar(virt.api.create(pod)):
        pytest.skip("this virtual API server knows no sidecars, and drops what makes one")
    tried = manifests.pod("tried", release.namespace, initContainers=[sidecar])
    pods = f"/api/v1/namespaces/{release.namespace}/pods"
    if _is_sidecar(release.host.api.json("POST", pods, tried, query={"dryRun": "All"})):
        (ready,) = wait_ready(virt, space, "accompanied")
        (running,) = ready["status"]["initContainerStatuses"]
        assert running["ready"]
        return

    def told() -> list[str]:
        events = virt.api.all("Event", space)
        said = [each["message"] for each in events if each["reason"] == "SidecarsUnknown"]
        if not said:
            raise Pending("nothing is said")
        return said

    (message,) = until("the host is said to know no sidecars", told, 30)
    assert "restartPolicy of proxy" in message
    refused = virt.api.get("Pod", "accompanied", space)
    assert refused["metadata"]["uid"] not in [virt_uid(each) for each in release.host_pods()]


def _is_sidecar(pod: Obj) -> bool:
    return "restartPolicy" in pod["spec"]["initContainers"][0]


def test_a_job_completes_and_runs_once(virt: Virtual, release: Release, space: str) -> None:
    template = manifests.pod("unused", space, manifests.shell("echo done"), restartPolicy="Never")
    virt.api.create(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": manifests.meta("once", space),
            "spec": {"completions": 3, "parallelism": 2, "template": {"spec": template["spec"]}},
        }
    )

    def complete() -> bool:
        status = virt.api.get("Job", "once", space).get("status") or {}
        if status.get("succeeded") != 3:
            raise Pending(json.dumps(status))
        return True

    until("the Job is complete", complete, 90)
    pods = virt.api.all("Pod", space, "job-name=once")
    assert sorted(pod["status"]["phase"] for pod in pods) == ["Succeeded"] * 3
    uids = [virt_uid(pod) for pod in release.host_pods()]
    assert all(uids.count(pod["metadata"]["uid"]) <= 1 for pod in pods)


def test_events_of_a_pod_tell_its_life_without_names_of_the_host(
    virt: Virtual, release: Release, space: str, curious: Obj
) -> None:
    def told() -> str:
        shown = virt.kubectl("get", "events", "-n", space).out
        rows = [line for line in shown.splitlines() if "pod/curious " in line]
        reasons = {row.split()[2] for row in rows}
        if not {"Scheduled", "Pulled", "Created", "Started"} <= reasons:
            raise Pending(shown)
        return shown

    until("kubectl get events shows the life of the pod", told, 30)
    host_uids = [pod["metadata"]["uid"] for pod in release.host_pods()]
    text = json.dumps([*virt.api.all("Event"), *virt.api.all("Pod")])
    assert release.namespace not in text
    assert f"-x-{release.name}" not in text
    assert not [uid for uid in host_uids if uid in text]
    assert curious["metadata"]["uid"] in text


def test_a_pod_that_cannot_be_placed_says_why(virt: Virtual, space: str, host: Side) -> None:
    assert host
    wish = manifests.pod("wishful", space, nodeSelector={"no": "such-label"})
    virt.api.create(wish)

    def told() -> bool:
        pod = virt.api.get("Pod", "wishful", space)
        conditions = {each["type"]: each for each in pod["status"].get("conditions") or ()}
        scheduled = conditions.get("PodScheduled") or {}
        if scheduled.get("reason") != "Unschedulable" or "node" not in scheduled.get("message", ""):
            raise Pending(json.dumps(pod["status"]))
        return True

    until("the condition says Unschedulable", told, 30)

    def event() -> bool:
        shown = virt.kubectl(
            "get", "events", "-n", space, "--field-selector", "reason=FailedScheduling"
        )
        return "pod/wishful" in shown.out

    until("an event says FailedScheduling", event, 30)
    virt.api.delete("Pod", "wishful", space)


def test_kubectl_describe_works_on_a_pod_and_its_node(
    virt: Virtual, space: str, curious: Obj
) -> None:
    shown = virt.kubectl("describe", "-n", space, "pod", "curious").out
    assert f"Namespace:        {space}" in shown
    node = virt.kubectl("describe", "node", curious["spec"]["nodeName"]).out
    assert "curious" in node
