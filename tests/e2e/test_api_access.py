"""A pod talks to its own API server, as its own service account."""

from __future__ import annotations

import json

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.e2e.pods import execute, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.session import Session, claims_of
from tests.e2e.waiting import Pending, until

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# With the checks of a real client: the certificate must be valid for the name that is dialed.
ASK = """
import json, os, ssl, sys, urllib.error, urllib.request
at = "/var/run/secrets/kubernetes.io/serviceaccount/"
server, path = sys.argv[1:]
if server == "env":
    server = ":".join(os.environ["KUBERNETES_SERVICE_" + part] for part in ("HOST", "PORT"))
request = urllib.request.Request("https://" + server + path)
request.add_header("Authorization", "Bearer " + open(at + "token").read())
tls = ssl.create_default_context(cafile=at + "ca.crt")
try:
    body = urllib.request.urlopen(request, context=tls, timeout=10).read().decode()
    print(json.dumps({"status": 200, "body": json.loads(body)}))
except urllib.error.HTTPError as error:
    print(json.dumps({"status": error.code, "body": json.loads(error.read())}))
"""
SERVERS = [
    "kubernetes.default.svc",
    "kubernetes.default",
    "kubernetes.default.svc.cluster.local",
    "env",
]


@pytest.fixture(scope="module")
def client(virt: Virtual, space: str) -> str:
    """A pod whose service account may list namespaces, by a ClusterRole of the virtual cluster."""
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}]
    reader = {"kind": "ServiceAccount", "name": "reader", "namespace": space}
    virt.api.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": manifests.meta("reader", space)},
        *manifests.role(f"{space}-reader", rules, reader),
    )
    container = manifests.container(manifests.PYTHON, manifests.IDLE)
    virt.api.create(
        manifests.pod("client", space, container, serviceAccountName="reader"),
        manifests.pod("plain", space, container),
    )
    wait_ready(virt, space, "client", "plain")
    return "client"


def ask(virt: Virtual, space: str, pod: str, server: str, path: str) -> Obj:
    """Ask an API server from inside a pod, with the pod's own credentials."""
    answer: Obj = json.loads(execute(virt, space, pod, "python3", "-c", ASK, server, path))
    return answer


@pytest.mark.parametrize("server", SERVERS)
def test_a_pod_reaches_its_own_api_server(
    virt: Virtual, space: str, client: str, release: Release, server: str
) -> None:
    answer = ask(virt, space, client, server, "/api/v1/namespaces")
    assert answer["status"] == 200, answer
    names = {each["metadata"]["name"] for each in answer["body"]["items"]}
    assert space in names, "this is a namespace of the virtual cluster only"
    assert release.namespace not in names, "this is one of the host only"


def test_its_rights_are_those_of_its_service_account(
    virt: Virtual, space: str, client: str
) -> None:
    answer = ask(virt, space, client, "env", "/api/v1/secrets")
    assert answer["status"] == 403
    assert f"system:serviceaccount:{space}:reader" in answer["body"]["message"]
    other = ask(virt, space, "plain", "env", "/api/v1/namespaces")
    assert other["status"] == 403
    assert f"system:serviceaccount:{space}:default" in other["body"]["message"]


def test_the_kubernetes_service_leads_to_the_virtual_api(
    virt: Virtual, release: Release, client: str
) -> None:
    assert client
    inside = virt.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"]
    ours = release.host.api.get("Service", release.name, release.namespace)["spec"]["clusterIP"]
    hosts = release.host.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"]
    assert inside == ours
    assert inside != hosts


@pytest.fixture(scope="module")
def token(virt: Virtual, space: str, client: str) -> str:
    return execute(virt, space, client, "cat", TOKEN).strip()


def test_the_token_is_bound_to_the_virtual_pod(
    virt: Virtual, space: str, client: str, token: str
) -> None:
    claims = claims_of(token)["kubernetes.io"]
    uid = virt.api.get("Pod", client, space)["metadata"]["uid"]
    assert claims["pod"] == {"name": client, "uid": uid}
    assert claims["namespace"] == space
    assert claims["serviceaccount"]["name"] == "reader"


def test_the_host_does_not_accept_the_token(session: Session, release: Release, token: str) -> None:
    api = Cluster(session.bearer(token, release.namespace))
    for path in ("/api", f"/api/v1/namespaces/{release.namespace}/pods"):
        with pytest.raises(ApiError) as refused:
            api.request("GET", path)
        assert refused.value.status == 401
    api.close()


def test_no_token_of_the_host_is_in_a_pod(
    virt: Virtual, release: Release, space: str, client: str
) -> None:
    twin = release.host_pod(virt.api.get("Pod", client, space))
    assert twin["spec"]["automountServiceAccountToken"] is False
    sources = [
        source
        for volume in twin["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    ]
    assert sources
    assert not [each for each in sources if "serviceAccountToken" in each]
    account = twin["spec"]["serviceAccountName"]
    for binding in release.host.api.all("RoleBinding", release.namespace):
        subjects = [each["name"] for each in binding.get("subjects") or ()]
        assert account not in subjects, f"{account} has rights by {binding['metadata']['name']}"


def test_a_token_secret_goes_with_its_pod(virt: Virtual, release: Release, space: str) -> None:
    virt.api.create(manifests.pod("short", space))
    wait_ready(virt, space, "short")
    api, namespace = release.host.api, release.namespace

    def of_pod() -> list[str]:
        return [
            each["metadata"]["name"]
            for each in api.all("Secret", namespace)
            if each["metadata"]["name"].startswith("short-")
        ]

    assert len(of_pod()) == 1
    virt.api.delete("Pod", "short", space)

    def gone() -> bool:
        if left := of_pod():
            raise Pending(", ".join(left))
        return True

    until("the Secret with the token is gone", gone, 30)
