"""Containers on their way to the host: environment, service variables, probes, hooks."""

import copy
from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import downward_api, podsecurity
from syncer.translate.containers import service_env, to_host
from tests.unit.build import API_IP, container, pod, service

VIRT = pod(
    "web.0",
    metadata={"labels": {"app": "web"}, "annotations": {"price": "5$ $(HOME)"}},
    serviceAccountName="robot",
)


def _rename(kind: str, name: str) -> str:
    return f"host/{kind}/{name}" if name else name


def _made(**fields: Any) -> Obj:
    return to_host(VIRT, container(**fields), [], _rename)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"value": "plain"}, {"value": "plain"}),
        ({"value": "$(OTHER)"}, {"value": "$(OTHER)"}),
        ({}, {}),
        (
            {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
            {
                "valueFrom": {
                    "configMapKeyRef": {
                        "name": "host/configmaps/c",
                        "key": "k",
                        "optional": True,
                    }
                }
            },
        ),
        (
            {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"valueFrom": {"secretKeyRef": {"name": "host/secrets/s", "key": "k"}}},
        ),
        (
            {"valueFrom": {"secretKeyRef": {"key": "k"}}},
            {"valueFrom": {"secretKeyRef": {"name": "", "key": "k"}}},
        ),
        ({"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"value": "web.0"}),
        ({"valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}, {"value": "default"}),
        (
            {"valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
            {"value": "virt-default-web.0"},
        ),
        *(
            (
                {"valueFrom": {"fieldRef": {"fieldPath": path}}},
                {"valueFrom": {"fieldRef": downward_api.reference(path)}},
            )
            for path in ("metadata.labels['app']", "metadata.annotations['price']")
        ),
        ({"valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}}, {"value": "robot"}),
        *(
            (
                {"valueFrom": {"fieldRef": {"fieldPath": path}}},
                {"valueFrom": {"fieldRef": {"fieldPath": path}}},
            )
            for path in (
                "spec.nodeName",
                "status.hostIP",
                "status.hostIPs",
                "status.podIP",
                "status.podIPs",
            )
        ),
        (
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ),
    ],
)
def test_variable(source: Obj, expected: Obj) -> None:
    assert _made(env=[{"name": "V", **source}])["env"] == [{"name": "V", **expected}]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"configMapRef": {"name": "c", "optional": True}},
            {"configMapRef": {"name": "host/configmaps/c", "optional": True}},
        ),
        ({"secretRef": {"name": "s"}}, {"secretRef": {"name": "host/secrets/s"}}),
        (
            {"prefix": "P_", "secretRef": {"name": "s"}},
            {"prefix": "P_", "secretRef": {"name": "host/secrets/s"}},
        ),
    ],
)
def test_environment_from_an_object(source: Obj, expected: Obj) -> None:
    assert _made(envFrom=[source])["envFrom"] == [expected]


def test_names_are_mapped_even_when_they_look_mapped_already() -> None:
    """Threats D5: there is no such thing as an already translated name."""
    raw = "web-x-default-x-vc"
    made = _made(
        env=[{"name": "V", "valueFrom": {"secretKeyRef": {"name": raw, "key": "k"}}}],
        envFrom=[{"configMapRef": {"name": raw}}],
    )
    assert made["env"][0]["valueFrom"]["secretKeyRef"]["name"] == f"host/secrets/{raw}"
    assert made["envFrom"][0]["configMapRef"]["name"] == f"host/configmaps/{raw}"


def test_service_variables_come_first_so_that_the_pods_own_win_and_may_refer_to_them() -> None:
    links = [{"name": "KUBERNETES_SERVICE_HOST", "value": API_IP}]
    own = {"name": "URL", "value": "https://$(KUBERNETES_SERVICE_HOST)"}
    assert to_host(VIRT, container(env=[own]), links, _rename)["env"] == [*links, own]


PROBES = ["livenessProbe", "readinessProbe", "startupProbe"]
HANDLERS: list[tuple[str, ...]] = [
    *((probe,) for probe in PROBES),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
]


def _handler(path: tuple[str, ...], value: Obj) -> Obj:
    return {path[0]: {path[1]: value}} if len(path) == 2 else {path[0]: value}


@pytest.mark.parametrize("path", HANDLERS, ids=".".join)
@pytest.mark.parametrize("action", ["httpGet", "tcpSocket"])
@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1", "localhost"])
@pytest.mark.parametrize(
    ("level", "found"), [("privileged", 0), ("baseline", 1), ("restricted", 1)]
)
def test_probe_or_hook_that_names_a_host_is_judged_by_pod_security(
    path: tuple[str, ...], action: str, host: str, level: str, found: int
) -> None:
    """Threats A3."""
    made = _made(**_handler(path, {action: {"port": 80, "host": host}}))
    violation = f"container main sets {'.'.join(path)}.{action}.host"
    assert podsecurity.violations({"containers": [made]}, level).count(violation) == found


@pytest.mark.parametrize("path", HANDLERS, ids=".".join)
@pytest.mark.parametrize(
    "handler",
    [
        {"httpGet": {"port": 80, "path": "/", "httpHeaders": [{"name": "Host", "value": "x"}]}},
        {"httpGet": {"port": 80, "host": ""}},
        {"tcpSocket": {"port": 80}},
        {"exec": {"command": ["true"]}},
        {"grpc": {"port": 80, "service": "x"}},
    ],
)
def test_probe_or_hook_of_the_pod_itself_is_copied(path: tuple[str, ...], handler: Obj) -> None:
    assert _made(**_handler(path, handler))[path[0]] == _handler(path, handler)[path[0]]


def test_resources_are_copied_but_claims_on_devices_are_refused() -> None:
    resources = {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    assert _made(resources=resources)["resources"] == resources
    with pytest.raises(Refused, match="claims"):
        _made(resources={"claims": [{"name": "gpu"}]})


def test_everything_else_is_copied_and_the_source_stays_as_it_was() -> None:
    source = container(
        args=["a"],
        command=["b"],
        workingDir="/w",
        ports=[{"containerPort": 80}],
        securityContext={"runAsUser": 1},
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
        tty=True,
        env=[{"name": "V", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    )
    before = copy.deepcopy(source)
    made = to_host(VIRT, source, [], _rename)
    assert {k: v for k, v in made.items() if k != "env"} == {
        k: v for k, v in before.items() if k != "env"
    }
    assert source == before


# --- variables by which pods find services (k8s.io/kubernetes/pkg/kubelet/envvars)


def _variables(*services: Obj, links: bool = True) -> dict[str, str]:
    return {each["name"]: each["value"] for each in service_env(services, API_IP, links=links)}


API = {
    "KUBERNETES_SERVICE_HOST": API_IP,
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    "KUBERNETES_PORT": f"tcp://{API_IP}:443",
    "KUBERNETES_PORT_443_TCP": f"tcp://{API_IP}:443",
    "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    "KUBERNETES_PORT_443_TCP_PORT": "443",
    "KUBERNETES_PORT_443_TCP_ADDR": API_IP,
}


def test_pod_finds_its_api_server_with_and_without_links() -> None:
    assert _variables(service(), links=False) == API
    assert _variables() == API


def test_pod_finds_the_services_of_its_namespace() -> None:
    ports = [
        {"name": "http-web", "port": 80, "protocol": "TCP"},
        {"name": "dns", "port": 53, "protocol": "UDP"},
    ]
    assert _variables(service("my-web", ports=ports, clusterIP="10.96.0.7")) == {
        **API,
        "MY_WEB_SERVICE_HOST": "10.96.0.7",
        "MY_WEB_SERVICE_PORT": "80",
        "MY_WEB_SERVICE_PORT_HTTP_WEB": "80",
        "MY_WEB_SERVICE_PORT_DNS": "53",
        "MY_WEB_PORT": "tcp://10.96.0.7:80",
        "MY_WEB_PORT_80_TCP": "tcp://10.96.0.7:80",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80",
        "MY_WEB_PORT_80_TCP_ADDR": "10.96.0.7",
        "MY_WEB_PORT_53_UDP": "udp://10.96.0.7:53",
        "MY_WEB_PORT_53_UDP_PROTO": "udp",
        "MY_WEB_PORT_53_UDP_PORT": "53",
        "MY_WEB_PORT_53_UDP_ADDR": "10.96.0.7",
    }


def test_address_of_ipv6_stands_in_brackets_in_a_url_only() -> None:
    variables = _variables(service(clusterIP="fd00::7"))
    assert variables["WEB_SERVICE_HOST"] == variables["WEB_PORT_80_TCP_ADDR"] == "fd00::7"
    assert variables["WEB_PORT"] == "tcp://[fd00::7]:80"


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "None"},
        {"clusterIP": ""},
        {"clusterIP": None},
        {"type": "ExternalName", "externalName": "x.example"},
    ],
)
def test_service_without_an_address_gives_no_variables(spec: Obj) -> None:
    assert _variables(service(**spec)) == API


def test_api_servers_own_service_never_leads_to_the_hosts_api_before_it_is_moved() -> None:
    theirs = service("kubernetes", "default", clusterIP="10.96.0.1", ports=[{"port": 443}])
    assert _variables(theirs) == API


def test_service_of_that_name_elsewhere_is_the_tenants_own_wish() -> None:
    other = service("kubernetes", "other", clusterIP="10.96.0.9")
    assert _variables(other)["KUBERNETES_SERVICE_HOST"] == "10.96.0.9"


def test_variables_are_in_one_order_whatever_the_order_of_services() -> None:
    one, other = service("a", clusterIP="10.96.0.7"), service("b", clusterIP="10.96.0.8")
    assert service_env([one, other], API_IP, links=True) == service_env(
        [other, one], API_IP, links=True
    )
