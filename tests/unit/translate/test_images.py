"""Which of a host pod's images come from the operator's registry, and with whose Secrets."""

from typing import Any

import pytest

from syncer.kube.objects import Key, Obj
from syncer.translate.pods import to_host
from tests.unit.build import DNS_IP, SCOPE, container, host_name, pod
from tests.unit.fake_objects import Place
from tests.unit.pod_life import Pods
from tests.unit.sides import Sides

DNS = "rancher/coredns-coredns:1.6.3"
SECRETS = [{"name": "pull"}, {"name": "other"}]


def _spec(namespace: str, *images: str, registry: str = "", **spec: Any) -> Obj:
    scope = SCOPE._replace(
        image_registry=registry,
        image_pull_secrets=tuple(each["name"] for each in SECRETS),
        hosts_image="syncer:1",
    )
    many = [container(name=f"c{n}", image=image) for n, image in enumerate(images)]
    virt_pod = pod(containers=many, **spec)
    virt_pod["metadata"]["namespace"] = namespace
    made: Obj = to_host(virt_pod, [], DNS_IP, scope)["spec"]
    return made


@pytest.mark.parametrize(
    ("namespace", "registry", "image", "runs"),
    [
        ("kube-system", "m.test/x", "coredns/coredns:1.6.3", "m.test/x/coredns/coredns:1.6.3"),
        ("kube-system", "m.test", DNS, f"m.test/{DNS}"),
        ("kube-system", "m.test", f"m.test/{DNS}", f"m.test/{DNS}"),
        ("kube-system", "", DNS, DNS),
        ("kube-system", "m.test", "busybox:1", "busybox:1"),
        ("default", "m.test", DNS, DNS),
    ],
)
def test_what_k3s_packages_comes_from_the_registry(
    namespace: str, registry: str, image: str, runs: str
) -> None:
    (main,) = _spec(namespace, image, registry=registry)["containers"]
    assert main["image"] == runs


@pytest.mark.parametrize(
    ("namespace", "registry", "images", "spec", "has"),
    [
        ("kube-system", "", [DNS], {}, True),
        ("kube-system", "m.test", [DNS], {}, True),
        ("kube-system", "m.test", [f"m.test/{DNS}"], {}, True),
        # The tenant's: CoreDNS' Deployment with something else in it, or its image elsewhere.
        ("kube-system", "m.test", [DNS, "m.test/rancher/k3s:1"], {}, False),
        ("kube-system", "m.test", ["m.test/rancher/coredns-coredns-x:1"], {}, False),
        ("kube-system", "m.test", ["other.test/coredns/coredns:1"], {}, False),
        ("default", "m.test", [DNS], {}, False),
        ("default", "", ["busybox:1"], {}, False),
        # Our own init container.
        ("default", "", ["busybox:1"], {"subdomain": "web"}, True),
    ],
)
def test_the_operators_secrets_are_for_the_operators_images(
    namespace: str,
    registry: str,
    images: list[str],
    spec: Obj,
    has: bool,  # noqa: FBT001
) -> None:
    made = _spec(namespace, *images, registry=registry, **spec)
    assert made.get("imagePullSecrets") == (SECRETS if has else None)


def test_the_tenants_own_come_first() -> None:
    made = _spec("default", "a:1", subdomain="web", imagePullSecrets=[{"name": "mine"}])
    assert made["imagePullSecrets"] == [{"name": host_name("secrets", "mine")}, *SECRETS]


async def test_only_a_change_by_the_tenant_changes_the_image_of_a_running_pod(
    sides: Sides,
) -> None:
    """An old k3s names it without the registry as long as the pod runs."""
    sides.world.scope = sides.world.scope._replace(image_registry="m.test")
    pods = Pods(sides)
    key, made = Key("pods", "kube-system", "web"), pod(containers=[container(image=DNS)])
    made["metadata"]["namespace"] = key.namespace
    sides.add_virt("pods", made)
    for change, runs in (
        ({"metadata": {"labels": {"app": "new"}}}, f"m.test/{DNS}"),
        ({"spec": {"containers": [container(image=f"{DNS}.1")]}}, f"m.test/{DNS}.1"),
        ({"spec": {"containers": [container(image="mine.test/dns:1")]}}, "mine.test/dns:1"),
    ):
        await sides.settle(pods.mirror.reconcile, key)
        sides.virt_api.objects.patch(Place(*key), change)
        await sides.settle(pods.mirror.reconcile, key)
        (host_pod,) = sides.host_api.objects.of("pods", SCOPE.ident.host_namespace)
        assert [each["image"] for each in host_pod["spec"]["containers"]] == [runs]
