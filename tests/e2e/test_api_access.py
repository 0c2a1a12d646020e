"""A pod talks to its own API server, as its own service account."""

from __future__ import annotations

import base64
import json

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.conftest import Tenant
from tests.e2e.pods import execute, secrets_of, sources_of, wait_account, wait_ready
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
# What reads like a token among the files of all volumes, wherever they are mounted.
TOKENS = r"""
import json, pathlib, re
places = {pathlib.Path(line.split()[1]) for line in open("/proc/mounts")} - {pathlib.Path("/")}
system = [pathlib.Path(each) for each in ("/proc", "/sys", "/dev")]
found = {}
for place in places:
    if any(place.is_relative_to(each) for each in system):
        continue
    for path in place.rglob("*") if place.is_dir() else [place]:
        text = path.read_text(errors="replace").strip() if path.is_file() else ""
        if re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text):
            found[str(path)] = text
print(json.dumps(found))
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
    wait_account(virt, space, "reader")
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


def test_the_token_is_that_of_the_pods_own_account(token: str, space: str) -> None:
    assert claims_of(token)["sub"] == f"system:serviceaccount:{space}:reader"


def test_the_token_is_bound_to_the_virtual_pod(
    virt: Virtual, space: str, client: str, token: str
) -> None:
    pod = virt.api.get("Pod", client, space)
    if not any("serviceAccountToken" in each for each in sources_of(pod)):
        account = virt.api.get("ServiceAccount", "reader", space)
        (kept,) = (virt.api.get("Secret", each["name"], space) for each in account["secrets"])
        assert base64.b64decode(kept["data"]["token"]).decode() == token
        pytest.skip("the virtual API gives pods the token that its account keeps in a Secret")
    claims = claims_of(token)["kubernetes.io"]
    assert claims["pod"] == {"name": client, "uid": pod["metadata"]["uid"]}
    assert claims["namespace"] == space
    assert claims["serviceaccount"]["name"] == "reader"


def test_the_host_does_not_accept_the_token(session: Session, tenant: Tenant, token: str) -> None:
    config = json.loads(tenant.installer.kubeconfig.read_text())
    of_the_host = config["users"][0]["user"]["token"]
    assert not session.host_knows_nobody_by(of_the_host), "by one of its own it does"
    assert session.host_knows_nobody_by(token)


def test_no_token_of_the_host_is_in_a_pod(
    virt: Virtual, release: Release, session: Session, space: str, client: str, token: str
) -> None:
    """Neither where pods look for one, nor in any other of its volumes."""
    twin = release.host_pod(virt.api.get("Pod", client, space))
    assert twin["spec"]["automountServiceAccountToken"] is False
    assert not [each for each in sources_of(twin) if "serviceAccountToken" in each]
    found = json.loads(execute(virt, space, client, "python3", "-c", TOKENS))
    assert token in found.values(), f"its own is among them: {list(found)}"
    assert not [at for at, each in found.items() if not session.host_knows_nobody_by(each)]
    account = twin["spec"]["serviceAccountName"]
    for binding in release.host.api.all("RoleBinding", release.namespace):
        subjects = [each["name"] for each in binding.get("subjects") or ()]
        assert account not in subjects, f"{account} has rights by {binding['metadata']['name']}"


def test_a_token_secret_goes_with_its_pod(virt: Virtual, release: Release, space: str) -> None:
    """With the pod that uses it last, where it is its account's."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    virt.api.create({**account, "metadata": manifests.meta("short", space)})
    wait_account(virt, space, "short")
    virt.api.create(manifests.pod("short", space, serviceAccountName="short"))
    (pod,) = wait_ready(virt, space, "short")
    api, namespace = release.host.api, release.namespace
    (name,) = secrets_of(release.host_pod(pod))
    assert api.find("Secret", name, namespace)
    virt.api.delete("Pod", "short", space)

    def gone() -> bool:
        if api.find("Secret", name, namespace):
            raise Pending(name)
        return True

    until("the Secret with the token is gone", gone, 30)
