"""Old servers have ingresses as v1beta1: found out by asking, and nobody else notices."""

from __future__ import annotations

import pytest

from syncer import dialects
from syncer.errors import NotFound
from syncer.resources import INGRESSES
from tests.unit.build import IDENT, host_name, ingress, rule
from tests.unit.engine import Engine
from tests.unit.fake_api import FakeApi, until
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


@pytest.mark.parametrize("version", ["v1", "v1beta1", "none"])
async def test_server_is_spoken_to_as_it_says(version: str) -> None:
    async with FakeApi() as api, api.client("host") as client:
        api.ingresses = version
        await dialects.learn(client)
        if version == "none":
            with pytest.raises(NotFound, match=r"networking\.k8s\.io/v1/"):
                await client.list(INGRESSES, "team-x")
            return
        made = await client.create(INGRESSES, "team-x", ingress(namespace="team-x"))
        assert made["apiVersion"] == "networking.k8s.io/v1"
        stored = api.objects.get(Place("ingresses", "team-x", "web"))
        assert stored["apiVersion"] == f"networking.k8s.io/{version}"
        listed, _ = await client.list(INGRESSES, "team-x")
        assert listed[0]["spec"] == ingress()["spec"] == made["spec"]
        got = await client.get(INGRESSES, "team-x", "web")
        assert (await client.update(INGRESSES, got))["spec"] == made["spec"]
        await client.delete(INGRESSES, got)
        assert api.objects.find("ingresses", "team-x", "web") is None


@pytest.mark.parametrize(("virt", "host"), [("v1", "v1beta1"), ("v1beta1", "v1"), ("v1beta1",) * 2])
async def test_ingress_and_its_status_pass_between_versions(
    sides: Sides, virt: str, host: str
) -> None:
    """Created, changed, told its address, at rest, deleted."""
    sides.virt_api.ingresses, sides.host_api.ingresses = virt, host
    await dialects.learn(sides.virt)
    await dialects.learn(sides.host)
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
