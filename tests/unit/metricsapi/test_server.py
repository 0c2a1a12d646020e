"""metrics.k8s.io as the virtual cluster's aggregator reaches it: over TLS, with its certificate."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kube.objects import Obj
from syncer.kubelet import REQUEST_HEADER_CA, CertificateError, ServingTls
from syncer.metricsapi.host_metrics import HostMetrics
from syncer.metricsapi.registration import SERVER_NAME
from syncer.metricsapi.server import Figures, serve
from syncer.state.cluster import World
from tests.unit.build import IDENT, Clock, host_name, pod, twin, world
from tests.unit.fake_metrics import ROOT, FakeMetrics, figures, node_figures
from tests.unit.kubelet_pki import Pair, load, make_ca, make_leaf, write_tls_dir

pytestmark = pytest.mark.timeout(20)
FRONT = ["system:auth-proxy"]
SERVER_CA, PROXY_CA, CLIENT_CA = (make_ca(name) for name in ("server", "request-header", "client"))


class Aggregator:
    """Asks as kube-aggregator does."""

    def __init__(self, port: int, pair: Pair | None, server_ca: Pair = SERVER_CA) -> None:
        self.port = port
        self.context = ssl.create_default_context(cadata=server_ca.cert_pem.decode())
        if pair is not None:
            load(self.context, pair)

    async def get(self, path: str, accept: str = "*/*", method: str = "GET") -> tuple[int, Obj]:
        status, answer, _ = await self.whole(path, accept, method)
        return status, answer

    async def whole(
        self, path: str, accept: str = "*/*", method: str = "GET"
    ) -> tuple[int, Obj, str]:
        url = f"https://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(headers={"Accept": accept}) as session,
            session.request(method, url, ssl=self.context, server_hostname=SERVER_NAME) as answer,
        ):
            return answer.status, await answer.json(), answer.headers["Content-Type"]


class Served:
    """A server in front of a fake host."""

    def __init__(self, host: FakeMetrics, made: World, port: int, tls_dir: Path) -> None:
        self.host = host
        self.world = made
        self.port = port
        self.tls_dir = tls_dir
        self.started = True
        self.proxy = Aggregator(port, _client(PROXY_CA, FRONT))

    async def names(self, path: str) -> list[str]:
        status, answer = await self.proxy.get(ROOT + path)
        assert status == 200, answer
        return [each["metadata"]["name"] for each in answer["items"]]


def _client(ca: Pair, names: list[str]) -> Pair:
    return make_leaf(ca, names, [], ExtendedKeyUsageOID.CLIENT_AUTH)


def _world() -> World:
    made = world()
    for virt in (
        pod("web", "shop", metadata={"labels": {"app": "web"}}, nodeName="n1"),
        pod("db", "shop", metadata={"labels": {"app": "db"}}, nodeName="n1"),
        pod("dns", "kube-system", nodeName="n2"),
    ):
        made.virt["pods"].put(virt)
        made.host["pods"].put(twin(virt, "pods"))
    for name in ("n1", "n2"):
        labels = {"kubernetes.io/hostname": name}
        made.virt["nodes"].put(
            {"metadata": {"name": name, "resourceVersion": "1", "labels": labels}}
        )
    return made


async def _serve(tmp_path: Path, *, whole_nodes: bool) -> AsyncIterator[Served]:
    write_tls_dir(tmp_path, SERVER_CA, CLIENT_CA)
    (tmp_path / REQUEST_HEADER_CA).write_bytes(PROXY_CA.cert_pem)
    made = _world()
    box: list[Served] = []
    async with FakeMetrics() as fake, fake.client() as host:
        fake.pods = [
            figures(host_name("pods", name, namespace), main=("10m", "2Mi"))
            for name, namespace in (("web", "shop"), ("db", "shop"), ("dns", "kube-system"))
        ]
        fake.nodes = [node_figures("n1", "900m", "1Gi"), node_figures("other", "1", "1Gi")]
        source = HostMetrics(host, IDENT, Clock())
        answers = Figures(made, source, lambda: box[0].started, whole_nodes=whole_nodes)
        tls = ServingTls(tmp_path, [SERVER_NAME], client_ca=REQUEST_HEADER_CA)
        runner = await serve(tls, 0, answers)
        box.append(Served(fake, made, runner.addresses[0][1], tmp_path))
        yield box[0]
        await runner.cleanup()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async for each in _serve(tmp_path, whole_nodes=False):
        yield each


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Served]:
    async for each in _serve(tmp_path, whole_nodes=True):
        yield each


# --- who may ask


@pytest.mark.parametrize(
    "pair",
    [None, _client(CLIENT_CA, ["system:apiserver"]), _client(CLIENT_CA, FRONT)],
    ids=["nobody", "the API server as a client", "another CA's front proxy"],
)
async def test_who_has_no_certificate_of_the_proxys_ca_is_not_heard(
    served: Served, pair: Pair | None
) -> None:
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await Aggregator(served.port, pair).get(ROOT)
    assert served.host.requests == []


@pytest.mark.parametrize("names", [["someone"], [], ["system:auth-proxy", "other"]])
async def test_other_names_of_that_ca_are_refused(served: Served, names: list[str]) -> None:
    proxy = Aggregator(served.port, _client(PROXY_CA, names))
    for path in (ROOT, f"{ROOT}/pods", "/apis"):
        status, answer = await proxy.get(path)
        assert (status, answer["reason"]) == (403, "Forbidden")
    assert served.host.requests == []


async def test_ca_that_k3s_made_anew_needs_no_restart(served: Served) -> None:
    server_ca, proxy_ca = make_ca("server-2"), make_ca("request-header-2")
    write_tls_dir(served.tls_dir, server_ca, CLIENT_CA)
    (served.tls_dir / REQUEST_HEADER_CA).write_bytes(proxy_ca.cert_pem)
    now = Aggregator(served.port, _client(proxy_ca, FRONT), server_ca)
    assert (await now.get(ROOT))[0] == 200
    before = Aggregator(served.port, _client(PROXY_CA, FRONT), server_ca)
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await before.get(ROOT)


async def test_nothing_is_served_before_k3s_has_made_its_cas(tmp_path: Path) -> None:
    tls = ServingTls(tmp_path, [SERVER_NAME], client_ca=REQUEST_HEADER_CA)
    async with FakeMetrics() as fake, fake.client() as host:
        answers = Figures(
            world(), HostMetrics(host, IDENT, Clock()), lambda: True, whole_nodes=False
        )
        with pytest.raises(CertificateError):
            await serve(tls, 0, answers)


# --- discovery


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_discovery_never_depends_on_the_host(served: Served, status: int) -> None:
    served.host.status, served.started = status, False
    code, group = await served.proxy.get("/apis/metrics.k8s.io")
    assert (code, group["kind"], group["name"]) == (200, "APIGroup", "metrics.k8s.io")
    code, resources = await served.proxy.get(ROOT)
    assert (code, resources["groupVersion"]) == (200, "metrics.k8s.io/v1beta1")
    assert [
        (x["name"], x["kind"], x["namespaced"], x["verbs"]) for x in resources["resources"]
    ] == [
        ("nodes", "NodeMetrics", False, ["get", "list"]),
        ("pods", "PodMetrics", True, ["get", "list"]),
    ]
    assert (await served.proxy.get("/apis"))[1]["groups"] == [group]
    for specification in ("/openapi/v2", "/openapi/v3"):
        code, document = await served.proxy.get(specification)
        assert (code, document["paths"]) == (200, {})
    assert served.host.requests == []


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated_discovery_says_what_it_is(served: Served, version: str) -> None:
    accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    code, document, content_type = await served.proxy.whole("/apis", accept)
    assert (code, document["kind"]) == (200, "APIGroupDiscoveryList")
    assert document["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    named = dict(each.strip().split("=") for each in content_type.split(";")[1:])
    assert named == {"g": "apidiscovery.k8s.io", "v": version, "as": "APIGroupDiscoveryList"}
    (group,) = document["items"]
    assert [x["resource"] for x in group["versions"][0]["resources"]] == ["nodes", "pods"]


# --- figures


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/pods", ["dns", "db", "web"]),
        ("/namespaces/shop/pods", ["db", "web"]),
        ("/namespaces/team-x/pods", []),
        ("/pods?labelSelector=app%3Dweb", ["web"]),
        ("/pods?labelSelector=app", ["db", "web"]),
        ("/namespaces/shop/pods?labelSelector=app%20notin%20(db)", ["web"]),
        ("/pods?fieldSelector=metadata.name%3Ddns", ["dns"]),
        ("/pods?fieldSelector=metadata.namespace!%3Dshop", ["dns"]),
        ("/nodes", ["n1", "n2"]),
        ("/nodes?labelSelector=kubernetes.io/hostname%3Dn2", ["n2"]),
    ],
)
async def test_lists(served: Served, path: str, names: list[str]) -> None:
    assert await served.names(path) == names


async def test_single_objects(served: Served) -> None:
    code, answer = await served.proxy.get(f"{ROOT}/namespaces/shop/pods/web")
    assert (code, answer["kind"]) == (200, "PodMetrics")
    assert (answer["apiVersion"], answer["metadata"]["namespace"]) == (
        "metrics.k8s.io/v1beta1",
        "shop",
    )
    assert answer["containers"] == [{"name": "main", "usage": {"cpu": "10m", "memory": "2Mi"}}]
    code, answer = await served.proxy.get(f"{ROOT}/nodes/n1")
    assert (code, answer["kind"]) == (200, "NodeMetrics")
    assert answer["usage"] == {"cpu": "20000000n", "memory": "4096Ki"}


async def test_nodes_are_the_hosts_where_it_lets_us(whole: Served) -> None:
    code, answer = await whole.proxy.get(f"{ROOT}/nodes")
    assert code == 200
    assert [(x["metadata"]["name"], x["usage"]) for x in answer["items"]] == [
        ("n1", {"cpu": "900m", "memory": "1Gi"})
    ]


@pytest.mark.parametrize(
    ("path", "method", "code", "reason", "says"),
    [
        (
            "/namespaces/shop/pods/x",
            "GET",
            404,
            "NotFound",
            'podmetrics.metrics.k8s.io "shop/x" not',
        ),
        ("/namespaces/kube-system/pods/web", "GET", 404, "NotFound", '"kube-system/web" not found'),
        ("/nodes/other", "GET", 404, "NotFound", 'nodemetrics.metrics.k8s.io "other" not found'),
        ("/leases", "GET", 404, "NotFound", "could not find"),
        ("/pods", "POST", 405, "MethodNotAllowed", "does not allow POST"),
        ("/pods?watch=true", "GET", 405, "MethodNotAllowed", "cannot be watched"),
        ("/pods?labelSelector=a%20b", "GET", 400, "BadRequest", "a b"),
        ("/pods?fieldSelector=spec.x%3D1", "GET", 400, "BadRequest", "not supported: spec.x"),
    ],
)
async def test_failures_are_status_objects(
    served: Served, path: str, method: str, code: int, reason: str, says: str
) -> None:
    status, answer = await served.proxy.get(ROOT + path, method=method)
    assert (status, answer["kind"], answer["code"], answer["reason"]) == (
        code,
        "Status",
        code,
        reason,
    )
    assert says in answer["message"]


async def test_client_that_takes_only_protobuf_is_told_so(served: Served) -> None:
    code, answer = await served.proxy.get(f"{ROOT}/pods", "application/vnd.kubernetes.protobuf")
    assert (code, answer["reason"]) == (406, "NotAcceptable")


async def test_host_that_is_down_is_unavailable_and_so_is_a_syncer_that_just_started(
    served: Served,
) -> None:
    served.started = False
    code, answer = await served.proxy.get(f"{ROOT}/pods")
    assert (code, answer["reason"]) == (503, "ServiceUnavailable")
    served.started, served.host.status = True, 503
    code, answer = await served.proxy.get(f"{ROOT}/namespaces/shop/pods/web")
    assert (code, answer["reason"]) == (503, "ServiceUnavailable")
    assert "metrics API of the host" in answer["message"]


@pytest.mark.parametrize(
    ("include", "kind"),
    [
        ("", "PartialObjectMetadata"),
        ("&includeObject=Object", "PodMetrics"),
        ("&includeObject=None", None),
    ],
)
async def test_table_for_kubectl_get(served: Served, include: str, kind: str | None) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    path = f"{ROOT}/pods?labelSelector=app%3Dweb{include}"
    code, answer = await served.proxy.get(path, accept)
    assert (code, answer["kind"], answer["apiVersion"]) == (200, "Table", "meta.k8s.io/v1")
    assert [x["name"] for x in answer["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    (row,) = answer["rows"]
    assert row["cells"] == ["web", "10000000n", "2048Ki", "10.5s"]
    shown: dict[str, Any] = row.get("object") or {}
    assert shown.get("kind") == kind
