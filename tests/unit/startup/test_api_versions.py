"""Old servers have some kinds as v1beta1 or not at all: found by asking; nobody else notices."""

from __future__ import annotations

import pytest

from syncer.errors import NotFound, ServerError
from syncer.kube.objects import Obj
from syncer.kube.resources import BUDGETS, INGRESSES
from syncer.startup import api_versions
from tests.unit.build import IDENT, host_name, ingress, rule
from tests.unit.engine import Engine
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
HOST = Place("ingresses", IDENT.host_namespace, host_name("ingresses", "web"))
VIRT = Place("ingresses", "default", "web")
BETA = {
    "rules": [
        {
            "host": "web.example",
            "http": {
                "paths": [
                    {
                        "path": "/",
                        "pathType": "Prefix",
                        "backend": {"serviceName": "web", "servicePort": 80},
                    }
                ]
            },
        }
    ]
}


SAMPLES = {
    "ingresses": ingress(namespace="team-x"),
    "ingressclasses": {"metadata": {"name": "x"}, "spec": {"controller": "example.com/c"}},
    "poddisruptionbudgets": {
        "metadata": {"name": "x", "namespace": "team-x"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
    },
    "endpointslices": {
        "metadata": {"name": "x", "namespace": "team-x"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"port": 80}],
    },
    "runtimeclasses": {"metadata": {"name": "x"}, "handler": "runc"},
}


def test_every_dialect_is_tried() -> None:
    assert set(SAMPLES) == set(api_versions.OLDER)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("kind", SAMPLES)
async def test_server_is_spoken_to_as_it_says(kind: str, version: str) -> None:
    """Callers give and get v1; the server has its own."""
    resource, sample = api_versions.OLDER[kind][0], SAMPLES[kind]
    sample = {"apiVersion": resource.api_version, "kind": resource.kind, **sample}
    content = {k: v for k, v in sample.items() if k != "metadata"}
    space = "team-x" if resource.namespaced else ""
    name = sample["metadata"]["name"]
    async with FakeApi() as api, api.client("host") as client:
        api.versions = {kind: version}
        assert await api_versions.learn(client, frozenset({kind, "pods"})) == set()
        made = await client.create(resource, space, sample)
        stored = api.objects.get(Place(kind, space, name))
        assert stored["apiVersion"] == f"{resource.group}/{version}"
        (listed,), _ = await client.list(resource, space)
        got = await client.get(resource, space, name)
        label = {"metadata": {"labels": {"a": "b"}}}
        patched = await client.patch(resource, got, label)
        replaced = await client.update(resource, patched)
        for each in (made, listed, got, patched, replaced):
            assert {k: each.get(k) for k in content} == content
        assert replaced["metadata"]["labels"]["a"] == "b"
        await client.delete(resource, got)
        assert api.objects.find(kind, space, name) is None


@pytest.mark.parametrize("kind", SAMPLES)
async def test_kind_that_a_server_has_not_is_named(kind: str) -> None:
    async with FakeApi() as api, api.client("host") as client:
        api.versions = {kind: ""}
        assert await api_versions.learn(client, frozenset(SAMPLES)) == {kind}
        with pytest.raises(NotFound, match=api_versions.OLDER[kind][0].api_version):
            await client.list(api_versions.OLDER[kind][0])


async def test_kinds_that_are_not_synced_are_not_asked_for() -> None:
    async with FakeApi() as api, api.client("host") as client:
        api.versions = dict.fromkeys(SAMPLES, "")
        assert await api_versions.learn(client, frozenset({"pods", "services"})) == set()
        assert client.requests == {}


@pytest.mark.parametrize(
    ("version", "selector", "seen"),
    [
        ("v1", {}, {"selector": {}}),
        ("v1beta1", {}, {}),
        ("v1beta1", {"matchLabels": {"a": "b"}}, {"selector": {"matchLabels": {"a": "b"}}}),
    ],
)
async def test_budget_for_no_pod_never_becomes_one_for_all(
    version: str, selector: Obj, seen: Obj
) -> None:
    async with FakeApi() as api, api.client("virt") as client:
        api.versions = {"poddisruptionbudgets": version}
        await api_versions.learn(client, frozenset({"poddisruptionbudgets"}))
        budget = {
            "apiVersion": f"policy/{version}",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "x", "namespace": "team-x"},
            "spec": {"selector": selector},
        }
        api.objects.create("poddisruptionbudgets", "team-x", budget)
        got = await client.get(BUDGETS, "team-x", "x")
        assert got["spec"] == seen


@pytest.mark.parametrize(
    ("version", "seconds"),
    [
        ("v1.16.13+k3s1", 60),
        ("v1.17.17", 60),
        ("v1.18.6+k3s1", 60),
        ("v1.19.16", 60),
        ("v1.20.0", 290),
        ("v1.34.4+k3s1", 290),
        ("v2.0.0", 290),
        ("", 290),
    ],
)
async def test_watch_ends_before_it_would_seem_dead(version: str, seconds: int) -> None:
    """Old servers say nothing before the end of a watch, unless something happens."""
    async with FakeApi() as api, api.client("host") as client:
        api.version = version
        assert await api_versions.version(client) == version
        api.faults.add(Fault("WATCH", status=500))
        with pytest.raises(ServerError):
            await anext(client.watch(INGRESSES, "ns", since="7"))
        assert api.requests[-1].query["timeoutSeconds"] == str(seconds)


@pytest.mark.parametrize(("virt", "host"), [("v1", "v1beta1"), ("v1beta1", "v1"), ("v1beta1",) * 2])
async def test_ingress_and_its_status_pass_between_versions(
    sides: Sides, virt: str, host: str
) -> None:
    """Created, changed, told its address, at rest, deleted."""
    kinds = frozenset({"ingresses"})
    sides.virt_api.versions, sides.host_api.versions = {"ingresses": virt}, {"ingresses": host}
    await api_versions.learn(sides.virt, kinds)
    await api_versions.learn(sides.host, kinds)
    engine = Engine(sides)
    engine.furnish()
    virt_objects, host_objects = sides.virt_api.objects, sides.host_api.objects
    async with engine.running():
        old = {**ingress(), "apiVersion": "networking.k8s.io/v1beta1", "spec": BETA}
        virt_objects.create("ingresses", "default", ingress() if virt == "v1" else old)
        await until(lambda: host_objects.find(*HOST) is not None)
        paths = host_objects.get(HOST)["spec"]["rules"][0]["http"]["paths"]
        assert ("serviceName" in paths[0]["backend"]) is (host == "v1beta1")
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "198.18.0.11"}]}}}
        host_objects.patch(HOST, status, "status")
        await until(lambda: virt_objects.get(VIRT).get("status") == status["status"])
        other = (
            rule("other.example") if virt == "v1" else {**BETA["rules"][0], "host": "other.example"}
        )
        virt_objects.patch(VIRT, {"spec": {"rules": [other]}})
        await until(lambda: host_objects.get(HOST)["spec"]["rules"][0]["host"] == "other.example")
        sides.writes()
        host_objects.patch(HOST, {"metadata": {"labels": {"seen": "yes"}}})
        await until(
            lambda: (
                "seen" in (sides.world.host["ingresses"].get(*HOST[1:]) or {})["metadata"]["labels"]
            )
        )
        await until(lambda: len(engine.controller.queue) == 0)
        assert [each for each in sides.writes() if each[2] == "ingresses"] == []
        virt_objects.delete(VIRT)
        await until(lambda: host_objects.find(*HOST) is None)
