"""Services: found by name and by address, from either node, and never mixed up with the host's."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import attempt, execute, new_namespace, wait_labelled, wait_ready
from tests.e2e.release import Release, Side, Virtual, virt_uid
from tests.e2e.waiting import Pending, until

REPLICAS = 2


def _apart(app: str) -> Obj:
    """Return an affinity that puts the pods of an app on different nodes."""
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@pytest.fixture(scope="module")
def replicas(nodes: list[str]) -> int:
    return min(REPLICAS, len(nodes))


@pytest.fixture(scope="module")
def web(virt: Virtual, space: str, nodes: list[str], replicas: int) -> list[Obj]:
    """A Deployment behind a Service, its pods on different nodes; a client on each node."""
    virt.api.create(
        manifests.deployment("web", space, replicas, manifests.web(), affinity=_apart("web")),
        manifests.service("web", space),
    )
    for node in nodes[:REPLICAS]:
        on = {"kubernetes.io/hostname": node}
        virt.api.create(manifests.pod(f"client-{node}", space, nodeSelector=on))
    wait_ready(virt, space, *(f"client-{node}" for node in nodes[:REPLICAS]))
    return wait_labelled(virt, space, "app=web", replicas)


def _answers(virt: Virtual, space: str, client: str, url: str, wanted: set[str]) -> None:
    """Wait until all of the wanted backends have answered a client, and nothing else did.

    kube-proxy makes a Service's rules up to its `minSyncPeriod` (a second, by default) after the
    Service is there, and until then its address leads nowhere: before the first answer no answer
    says only that. After it, one is an error.
    """
    seen: set[str] = set()

    def all_seen() -> bool:
        done = attempt(virt, space, client, "timeout", "5", "wget", "-qO-", url)
        if done.code and not seen:
            raise Pending(f"{url} not answered: {done.err or f'exit code {done.code}'}")
        assert done.code == 0, f"{url}, which {sorted(seen)} answered: {done.err or done.code}"
        seen.add(done.out.strip())
        if not wanted <= seen:
            raise Pending(f"{url} answered by {sorted(seen)}")
        return True

    until(f"{url} is answered by {sorted(wanted)}", all_seen, 60)
    assert seen == wanted


def test_the_replicas_run_on_different_nodes(web: list[Obj], replicas: int) -> None:
    assert len({pod["spec"]["nodeName"] for pod in web}) == replicas


@pytest.mark.parametrize(
    "host_name", ["web", "web.network", "web.network.svc", "web.network.svc.cluster.local"]
)
def test_a_service_is_reached_by_name(
    virt: Virtual, space: str, web: list[Obj], nodes: list[str], host_name: str
) -> None:
    wanted = {pod["metadata"]["name"] for pod in web}
    _answers(virt, space, f"client-{nodes[0]}", f"http://{host_name}/hostname", wanted)


@pytest.mark.parametrize("number", range(REPLICAS))
def test_a_service_is_reached_by_address_from_each_node(
    virt: Virtual, space: str, web: list[Obj], nodes: list[str], number: int
) -> None:
    if number >= len(nodes):
        pytest.skip("the host has one node only")
    address = virt.api.get("Service", "web", space)["spec"]["clusterIP"]
    wanted = {pod["metadata"]["name"] for pod in web}
    _answers(virt, space, f"client-{nodes[number]}", f"http://{address}/hostname", wanted)


def test_a_service_has_the_same_address_on_both_sides(
    virt: Virtual, release: Release, space: str, web: list[Obj]
) -> None:
    assert web
    virt_service = virt.api.get("Service", "web", space)
    host_service = release.host.api.get(
        "Service", f"web-x-{space}-x-virtualcluster", release.namespace
    )
    assert host_service["spec"]["clusterIP"] == virt_service["spec"]["clusterIP"]


def test_a_service_of_another_namespace_is_found_by_its_namespace(
    virt: Virtual, space: str, web: list[Obj]
) -> None:
    other = new_namespace(virt, f"{space}-other")
    virt.api.create(manifests.pod("client", other))
    wait_ready(virt, other, "client")
    wanted = {pod["metadata"]["name"] for pod in web}
    _answers(virt, other, "client", f"http://web.{space}/hostname", wanted)
    virt.api.delete("Namespace", other)


def test_pods_of_a_headless_service_have_names(virt: Virtual, space: str, web: list[Obj]) -> None:
    headless = manifests.service("peers", space, clusterIP="None", selector={"app": "web"})
    virt.api.create(headless)
    client = f"client-{web[0]['spec']['nodeName']}"
    addresses = {pod["status"]["podIP"] for pod in web}

    def all_listed() -> bool:
        said = execute(
            virt, space, client, "sh", "-c", "nslookup peers.network.svc.cluster.local || true"
        )
        if not all(address in said for address in addresses):
            raise Pending(said)
        return True

    until("the name of the headless service lists every pod", all_listed, 60)


def test_a_node_port_is_the_same_on_both_sides_and_answers(
    virt: Virtual, release: Release, space: str, web: list[Obj]
) -> None:
    made = virt.api.create(
        manifests.service("open", space, type="NodePort", selector={"app": "web"})
    )
    name = f"open-x-{space}-x-virtualcluster"

    def same() -> int:
        ports = [
            side.api.get("Service", service, namespace)["spec"]["ports"][0]["nodePort"]
            for side, service, namespace in (
                (virt, "open", space),
                (release.host, name, release.namespace),
            )
        ]
        if ports[0] != ports[1]:
            raise Pending(f"{ports}")
        return int(ports[0])

    until(
        "the host has the service",
        lambda: release.host.api.find("Service", name, release.namespace),
    )
    port = until("the ports agree", same, 30)
    assert virt.api.get("Service", "open", space)["metadata"]["uid"] == made["metadata"]["uid"]
    client, address = f"client-{web[0]['spec']['nodeName']}", web[1 % len(web)]["status"]["hostIP"]
    wanted = {pod["metadata"]["name"] for pod in web}
    _answers(virt, space, client, f"http://{address}:{port}/hostname", wanted)


def test_a_service_whose_address_the_host_has_given_away_moves_and_keeps_its_uid(
    virt: Virtual, release: Release, space: str, web: list[Obj], host: Side
) -> None:
    neighbour = manifests.service("neighbour", release.namespace)
    taken = host.api.create(neighbour)["spec"]["clusterIP"]
    made = virt.api.create(
        manifests.service("moved", space, selector={"app": "web"}, clusterIP=taken)
    )

    def settled() -> str:
        now = virt.api.get("Service", "moved", space)["spec"]
        twin = host.api.find("Service", f"moved-x-{space}-x-virtualcluster", release.namespace)
        if twin is None or now.get("clusterIP") in (None, "", taken):
            raise Pending(f"virtual {now}, host {twin and twin['spec']}")
        assert twin["spec"]["clusterIP"] == now["clusterIP"]
        return str(now["clusterIP"])

    address = until("both sides agree on another address", settled, 30)
    after = virt.api.get("Service", "moved", space)
    assert after["metadata"]["uid"] == made["metadata"]["uid"]
    assert after["spec"]["selector"] == {"app": "web"}
    assert host.api.get("Service", "neighbour", release.namespace)["spec"]["clusterIP"] == taken
    host.api.delete("Service", "neighbour", release.namespace)
    wanted = {pod["metadata"]["name"] for pod in web}
    _answers(
        virt, space, f"client-{web[0]['spec']['nodeName']}", f"http://{address}/hostname", wanted
    )


def test_each_virtual_pod_has_one_host_pod_of_the_promised_name(
    virt: Virtual, release: Release, space: str, web: list[Obj]
) -> None:
    host_pods = {virt_uid(pod): pod for pod in release.host_pods()}
    for pod in virt.api.all("Pod", space):
        twin = host_pods[pod["metadata"]["uid"]]
        name = f"{pod['metadata']['name']}-x-{space}-x-virtualcluster"
        assert twin["metadata"]["name"] == name
        assert twin["spec"]["nodeName"] == pod["spec"]["nodeName"]
        assert twin["status"]["podIP"] == pod["status"]["podIP"]
    assert web
