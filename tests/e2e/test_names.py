"""Who is it? A pod finds nothing that names the host's side, and its own names are whole."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, wait_labelled, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.session import Session, claims_of

COLLECT = Path(__file__).with_name("collect.py")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
HIDDEN = "virtualcluster-hosts"


@pytest.fixture(scope="module")
def database(virt: Virtual, space: str) -> list[Obj]:
    """Two pods of a StatefulSet behind a headless Service, as Kafka or ZooKeeper run."""
    made = manifests.deployment("db", space, 2, manifests.idle(), initContainers=[_first()])
    virt.api.create(
        manifests.service("db", space, target=80, clusterIP="None"),
        manifests.stateful(made, podManagementPolicy="Parallel"),
    )
    return wait_labelled(virt, space, "app=db", 2)


def _first() -> Obj:
    return manifests.shell("hostname -f > /dev/termination-log", name="first")


@pytest.mark.parametrize("number", [0, 1])
def test_a_stateful_pod_knows_its_full_name(
    virt: Virtual, space: str, database: list[Obj], number: int
) -> None:
    assert database
    full = f"db-{number}.db.{space}.svc.cluster.local"
    assert execute(virt, space, f"db-{number}", "hostname", "-f").strip() == full
    assert execute(virt, space, f"db-{number}", "hostname").strip() == f"db-{number}"
    pod = virt.api.get("Pod", f"db-{number}", space)
    line = f"{pod['status']['podIP']}\t{full}\tdb-{number}\n"
    assert line in execute(virt, space, f"db-{number}", "cat", "/etc/hosts")


def test_its_init_containers_know_it_too(virt: Virtual, space: str, database: list[Obj]) -> None:
    (first,) = virt.api.get("Pod", "db-0", space)["status"]["initContainerStatuses"]
    assert database
    told = first["state"]["terminated"]["message"].strip()
    assert told == f"db-0.db.{space}.svc.cluster.local"


def test_what_writes_the_name_is_not_seen(virt: Virtual, space: str, database: list[Obj]) -> None:
    for pod in database:
        assert HIDDEN not in json.dumps(pod)
    events = [
        each["message"]
        for each in virt.api.all("Event", space)
        if each["involvedObject"]["name"] == "db-0"
    ]
    assert any("Started" in each or "started" in each for each in events)
    assert not [each for each in events if HIDDEN in each]


@pytest.fixture(scope="module")
def found(virt: Virtual, space: str, database: list[Obj]) -> dict[str, str]:
    """All that a curious pod finds; its account may read all of its namespace, and all nodes."""
    assert database
    name = f"{space}-who"
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    only = [{"apiGroups": [""], "resources": ["nodes", "persistentvolumes"], "verbs": ["list"]}]
    account = {"kind": "ServiceAccount", "name": "default", "namespace": space}
    virt.api.create(
        *manifests.role(name, only, account),
        *manifests.role(name, rules, account, space),
    )
    dns = virt.api.get("Service", "kube-dns", "kube-system")["spec"]["clusterIP"]
    fields = {"POD_IP": "status.podIP", "POD_NAMESPACE": "metadata.namespace"}
    fields |= {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid", "NODE": "spec.nodeName"}
    env = [{"name": k, "valueFrom": {"fieldRef": {"fieldPath": v}}} for k, v in fields.items()]
    about = [
        {"path": path, "fieldRef": {"fieldPath": f"metadata.{path}"}}
        for path in ("labels", "annotations", "name", "namespace", "uid")
    ]
    volumes: list[Obj] = [
        {"name": "about", "downwardAPI": {"items": about}},
        {"name": "mine", "configMap": {"name": "mine"}},
        {"name": "secret", "secret": {"secretName": "mine"}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "mine"}},
    ]
    container = manifests.container(
        manifests.PYTHON,
        manifests.IDLE,
        env=[*env, {"name": "DNS_IP", "value": dns}],
        envFrom=[{"configMapRef": {"name": "mine"}}],
        volumeMounts=[{"name": v["name"], "mountPath": f"/volumes/{v['name']}"} for v in volumes],
    )
    virt.api.create(
        manifests.config_map("mine", space, text="of the tenant"),
        manifests.secret("mine", space, text="of the tenant"),
        manifests.claim("mine", space),
        manifests.ingress("mine", space, f"{space}.example.com"),
        manifests.pod("who", space, container, labels={"app": "db"}, volumes=volumes),
    )
    wait_ready(virt, space, "who")
    answer = execute(virt, space, "who", "python3", "-c", COLLECT.read_text())
    result: dict[str, str] = json.loads(answer)
    return result


def test_it_found_what_there_is_to_find(found: dict[str, str], space: str) -> None:
    """What follows would hold for an empty list as well."""
    assert len(found) > 40
    for text in ("/volumes/mine/text", "GET /api/v1/nodes", "who is", "hostname -f"):
        assert any(text in place for place in found)
    pods = json.loads(found[f"GET /api/v1/namespaces/{space}/pods"])
    assert {"db-0", "db-1", "who"} <= {each["metadata"]["name"] for each in pods["items"]}
    assert any(TOKEN.search(text) for text in found.values())


def test_nothing_names_the_hosts_side(
    found: dict[str, str], release: Release, virt: Virtual
) -> None:
    names = {release.namespace}
    for resource in release.host.api.listable():
        if resource.namespaced:
            names |= {
                each["metadata"]["name"]
                for each in release.host.api.list_of(resource, release.namespace)
            }
    # What both sides call alike tells nothing: ConfigMap kube-root-ca.crt, the release's Service.
    names -= {"kube-root-ca.crt", "default", release.name}
    theirs = [
        (place, name)
        for place, text in found.items()
        for name in sorted(names)
        if re.search(
            rf"(?<![a-zA-Z0-9.-]){re.escape(name)}(?![a-zA-Z0-9-])",
            _ours(place, text, release.name),
        )
    ]
    assert virt.api.get("Namespace", "default")
    assert theirs == []


def _ours(place: str, text: str, release: str) -> str:
    """Return what of a text is our doing, and not meant.

    A volume's place is named by the host's provisioner. k3s marks what it writes with the name of
    the machine that it runs on (seen in 1.34, as the manager of fields): that is the control
    plane's pod, which a StatefulSet names after the release and nothing can name otherwise. It
    tells the release, which is no secret: it is what the kubeconfig's Service is called.
    """
    text = re.sub(rf'("manager": ?"[a-z0-9-]+)@{re.escape(release)}-\d+"', r'\1"', text)
    lines = text.splitlines()
    if place in ("mount", "/proc/self/mountinfo"):
        lines = [each for each in lines if " /volumes/claim " not in each]
    return "\n".join(lines)


def test_no_token_is_the_hosts(found: dict[str, str], space: str, session: Session) -> None:
    tokens = {each for text in found.values() for each in TOKEN.findall(text)}
    own = 0
    for token in tokens:
        if "alg" not in json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")):
            continue
        assert session.host_knows_nobody_by(token), claims_of(token)
        own += claims_of(token).get("sub") == f"system:serviceaccount:{space}:default"
    assert own, "its own was among them"
