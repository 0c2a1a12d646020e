"""Which pods get the init container that writes their /etc/hosts, and what it looks like."""

from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import podsecurity, status
from syncer.translate.pods import to_host
from tests.unit.build import DNS_IP, SCOPE, container, pod

WITH = SCOPE._replace(hosts_image="syncer:1")
MOUNT = {"name": "virtualcluster-hosts", "mountPath": "/etc/hosts", "subPath": "hosts"}


def _spec(**spec: Any) -> Obj:
    made: Obj = to_host(pod(**spec), [], DNS_IP, WITH._replace(pod_security="privileged"))["spec"]
    return made


@pytest.mark.parametrize(
    ("spec", "has"),
    [
        ({}, False),
        ({"hostname": "a"}, False),
        ({"subdomain": "web"}, True),
        ({"subdomain": "web", "hostname": "a"}, True),
        ({"subdomain": "web", "hostNetwork": True}, False),
        ({"subdomain": "web", "os": {"name": "windows"}}, False),
    ],
)
def test_only_pods_with_a_subdomain_have_it(spec: Obj, has: bool) -> None:  # noqa: FBT001
    names = [each["name"] for each in _spec(**spec).get("initContainers") or ()]
    assert names == (["virtualcluster-hosts"] if has else [])


def test_it_can_be_switched_off() -> None:
    made = to_host(pod(subdomain="web"), [], DNS_IP, SCOPE)["spec"]
    assert made == to_host(pod(), [], DNS_IP, SCOPE)["spec"]


def test_what_it_is_told() -> None:
    aliases = [{"ip": "1.2.3.4", "hostnames": ["db", "$(X)"]}, {"ip": "1.2.3.5"}]
    made = _spec(subdomain="web", hostname="a", hostAliases=aliases)
    (init,) = made["initContainers"]
    assert init["image"] == "syncer:1"
    assert init["env"] == [
        {"name": "HOST_NAMES", "value": "a.web.default.svc.cluster.local a"},
        {"name": "HOST_ALIASES", "value": "1.2.3.4\tdb\t$$(X)\n1.2.3.5"},
    ]
    assert {"name": "virtualcluster-hosts", "emptyDir": {"sizeLimit": "1Mi"}} in made["volumes"]


def test_it_is_first_and_all_others_see_the_file() -> None:
    own = {"name": "v", "mountPath": "/etc/hosts/"}
    made = _spec(
        subdomain="web",
        initContainers=[container(name="first")],
        containers=[container(name="main"), container(name="own", volumeMounts=[own])],
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    ours, first = made["initContainers"]
    main, other = made["containers"]
    assert ours["name"] == "virtualcluster-hosts"
    assert first["volumeMounts"] == [MOUNT]
    assert main["volumeMounts"] == [MOUNT]
    assert other["volumeMounts"] == [own]  # as on a real cluster


@pytest.mark.parametrize(
    ("resources", "ours"),
    [
        ({}, False),  # BestEffort stays so
        ({"requests": {"cpu": "1"}}, True),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, True),  # Guaranteed stays so
    ],
)
def test_the_quality_of_service_stays(resources: Obj, ours: bool) -> None:  # noqa: FBT001
    made = _spec(subdomain="web", containers=[container(resources=resources)])
    given = made["initContainers"][0].get("resources")
    assert bool(given) is ours
    if given:
        assert given["limits"] == given["requests"]
        assert given["limits"].keys() == {"cpu", "memory"}


def test_it_meets_the_restricted_standard() -> None:
    context = {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    made = _spec(subdomain="web", containers=[container(securityContext=context)])
    assert podsecurity.violations(made, "restricted") == []


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [container(name="virtualcluster-hosts")]},
        {"initContainers": [container(name="virtualcluster-hosts")]},
        {"volumes": [{"name": "virtualcluster-hosts", "emptyDir": {}}]},
    ],
)
def test_a_pod_that_uses_its_name_is_refused(spec: Obj) -> None:
    with pytest.raises(Refused, match="virtualcluster-hosts"):
        _spec(subdomain="web", **spec)


def test_the_tenant_does_not_see_it() -> None:
    theirs = {"name": "v", "mountPath": "/v"}
    host = {
        "status": {
            "initContainerStatuses": [{"name": "virtualcluster-hosts"}],
            "containerStatuses": [
                {"name": "main", "volumeMounts": [theirs, {**MOUNT, "readOnly": False}]},
                {"name": "other"},
            ],
        }
    }
    assert status.pod(host, pod(subdomain="web")) == {
        "containerStatuses": [{"name": "main", "volumeMounts": [theirs]}, {"name": "other"}]
    }
