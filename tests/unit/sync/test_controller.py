"""The engine as a whole: stores to keys to workers, and what becomes of every error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from syncer.kube.objects import Key, Obj, is_deleting
from syncer.state.pod_index import arrived
from syncer.sync.kinds import BY_DEFAULT, KINDS, OPT_IN
from syncer.sync.registrations import REGISTRATIONS
from syncer.translate.classes import CLASSES
from tests.unit.build import (
    claim,
    configmap,
    container,
    host_node,
    ingress,
    pod,
    secret,
    service,
)
from tests.unit.engine import ANCHOR, Engine, restarted
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
WEB = Key("pods", "default", "web")
USED_VOLUME = {"name": "c", "configMap": {"name": "conf"}}
TOKEN = {"name": "api", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


# --- from both sides to both sides


def test_every_kind_is_watched_on_both_sides_and_has_its_reconciler(sides: Sides) -> None:
    """A translation that nobody calls looks well tested."""
    kinds = frozenset({*BY_DEFAULT, *OPT_IN})
    engine = Engine(sides, kinds)
    watched = {(each.client.side, each.resource.plural) for each in engine.sources.reflectors}
    for kind in kinds:
        assert engine.controller._reconcilers[kind].kind == kind
        assert {("virt", kind), ("host", kind)} <= watched
    assert {("virt", "nodes"), ("host", "events")} <= watched


def test_every_row_is_registered_and_no_kind_twice() -> None:
    registered = [each.kind for each in REGISTRATIONS]
    assert len(registered) == len(set(registered))
    assert {*KINDS, *CLASSES} <= set(registered)


async def test_who_found_no_room_on_the_host_comes_as_soon_as_there_is_some(engine: Engine) -> None:
    """Not when refusals are tried again, which takes a minute: the test would end before."""
    engine.world.scope = engine.world.scope._replace(max_objects=2)  # kube-dns is the first
    objects = engine.virt_api.objects
    async with engine.running():
        objects.create("services", "default", service())
        await until(lambda: engine.sides.host_obj("services", "web") is not None)
        objects.create("services", "default", service("late", clusterIP="10.96.0.60"))
        await until(lambda: engine.controller.attempts.refusals["services", "LimitReached"] > 0)
        objects.delete(Place("services", "default", "web"))
        await until(lambda: engine.sides.host_obj("services", "late") is not None)


async def test_whole_application_reaches_the_host_with_all_that_it_needs(engine: Engine) -> None:
    objects = engine.virt_api.objects
    volumes = [
        TOKEN,
        {"name": "c", "configMap": {"name": "conf"}},
        {"name": "s", "secret": {"secretName": "cred"}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    async with engine.running():
        objects.create("pods", "default", pod(volumes=volumes))
        objects.create("configmaps", "default", configmap())
        objects.create("configmaps", "default", configmap("unused"))
        objects.create("secrets", "default", secret())
        objects.create("persistentvolumeclaims", "default", claim())
        objects.create("services", "default", service())
        objects.create("ingresses", "default", ingress())
        await until(lambda: engine.host_pods() == ["web"])
        named = [
            ("services", "web"),
            ("ingresses", "web"),
            ("configmaps", "conf"),
            ("secrets", "cred"),
            ("persistentvolumeclaims", "data"),
        ]
        await until(lambda: all(engine.sides.host_obj(*each) for each in named))
        assert engine.sides.host_obj("configmaps", "unused") is None
        assert len(engine.host_api.objects.of("secrets")) == 2


async def test_engine_at_rest_writes_nothing(engine: Engine) -> None:
    """Threats R28."""
    engine.add_pods(5)
    engine.virt_api.objects.create("services", "default", service())
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == 5)
        await until(lambda: engine.sides.virt_obj("nodes", "own-node", ""))
        await asyncio.sleep(0.2)
        engine.sides.writes()
        await asyncio.sleep(0.2)
        assert engine.sides.writes() == []


async def test_node_of_the_host_comes_changes_and_goes_where_nodes_are_read(sides: Sides) -> None:
    engine = Engine(sides, frozenset({*BY_DEFAULT, "nodes"}))
    engine.furnish()
    place, objects = Place("nodes", "", "node-1"), engine.host_api.objects
    objects.create("nodes", "", host_node())

    def labels() -> Obj:
        node = sides.virt_obj("nodes", "node-1", "") or {"metadata": {}}
        found: Obj = node["metadata"].get("labels") or {}
        return found

    async with engine.running():
        await until(lambda: labels().get("zone") == "a")
        objects.patch(place, {"metadata": {"labels": {"zone": "b"}}})
        await until(lambda: labels().get("zone") == "b")
        objects.remove(place)
        await until(lambda: sides.virt_obj("nodes", "node-1", "") is None)
        assert not [each for each in sides.writes() if each[0] == "host" and each[2] == "nodes"]


async def test_pod_runs_is_told_so_and_goes(engine: Engine) -> None:
    place = Place("pods", "default", "web")
    engine.virt_api.objects.create("pods", "default", pod(volumes=[TOKEN]))
    async with engine.running():
        await until(lambda: engine.host_pods() == ["web"])
        host = engine.sides.host_place("pods", "web")
        engine.host_api.objects.bind(host, {"metadata": {}, "target": {"name": "node-1"}})
        running: Obj = {"status": {"phase": "Running", "hostIP": "192.168.0.7"}}
        engine.host_api.objects.patch(host, running, "status")
        virt = engine.virt_api.objects
        await until(lambda: virt.get(place)["status"].get("phase") == "Running")
        assert virt.get(place)["spec"]["nodeName"] == "node-1"
        node = virt.get(Place("nodes", "", "node-1"))
        assert node["status"]["addresses"][0]["address"] == "192.168.0.7"
        virt.delete(place)
        await until(lambda: not engine.host_pods())
        assert virt.find(*place) is not None
        engine.host_api.objects.remove(host)
        await until(lambda: virt.find(*place) is None)
        await until(lambda: engine.host_api.objects.of("secrets") == [])


async def test_object_that_gains_a_reader_is_copied_and_loses_its_copy_with_the_last(
    engine: Engine,
) -> None:
    engine.virt_api.objects.create("secrets", "default", secret("cert"))
    async with engine.running():
        tls = [{"secretName": "cert"}]
        engine.virt_api.objects.create("ingresses", "default", ingress(tls=tls))
        await until(lambda: engine.sides.host_obj("secrets", "cert"))
        engine.virt_api.objects.remove(Place("ingresses", "default", "web"))
        await until(lambda: engine.sides.host_obj("secrets", "cert") is None)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"hostNetwork": True},
        {"ofTheFuture": {"default": "of a newer k3s"}},
        {"volumes": [{"name": "more", "ofTheFuture": {}}, USED_VOLUME]},
    ],
    ids=str,
)
async def test_running_pod_keeps_what_it_uses_when_a_field_of_it_is_refused_later(
    engine: Engine, spoilt: Obj
) -> None:
    """A newer k3s writes defaults into stored pods; a newer syncer refuses what an older took."""
    engine.virt_api.objects.create("configmaps", "default", configmap())
    engine.virt_api.objects.create("pods", "default", pod(volumes=[USED_VOLUME]))
    async with engine.running():
        await until(lambda: engine.host_pods() == ["web"])
    engine.virt_api.objects.get(Place("pods", "default", "web"))["spec"] |= spoilt
    again = restarted(engine)
    async with again.running():
        await until(lambda: again.controller.attempts.work["pods"].results)
        await until(lambda: not len(again.controller.queue))
        assert engine.host_pods() == ["web"]
        assert engine.sides.host_obj("configmaps", "conf") is not None
        engine.virt_api.objects.remove(Place(*WEB))
        await until(lambda: engine.sides.host_obj("pods", "web") is None)
        await until(lambda: engine.sides.host_obj("configmaps", "conf") is None)


async def test_pod_that_was_removed_by_force_keeps_what_it_uses_until_its_host_pod_has_ended(
    engine: Engine,
) -> None:
    engine.virt_api.objects.create("configmaps", "default", configmap())
    engine.virt_api.objects.create("pods", "default", pod(volumes=[USED_VOLUME]))
    async with engine.running():
        await until(lambda: engine.host_pods() == ["web"])
        host_place = engine.sides.host_place("pods", "web")
        # As long as a finalizer of the host's holds it, its containers may run.
        engine.host_api.objects.patch(host_place, {"metadata": {"finalizers": ["example.com/x"]}})
        engine.virt_api.objects.remove(Place("pods", "default", "web"))
        await until(lambda: is_deleting(engine.host_api.objects.get(host_place)))
        await until(lambda: not len(engine.controller.queue))
        assert engine.sides.host_obj("configmaps", "conf") is not None
        engine.host_api.objects.remove(host_place)
        await until(lambda: engine.sides.host_obj("configmaps", "conf") is None)


async def test_pods_that_wait_for_dns_start_when_it_is_there(engine: Engine) -> None:
    dns = Place("services", "kube-system", "kube-dns")
    kept = engine.virt_api.objects.get(dns)
    engine.virt_api.objects.remove(dns)
    engine.add_pods(3)
    async with engine.running():
        await asyncio.sleep(0.05)
        assert engine.host_pods() == []
        engine.virt_api.objects.create("services", "kube-system", kept)
        await until(lambda: len(engine.host_pods()) == 3)


async def test_kind_that_is_switched_off_is_not_touched(sides: Sides) -> None:
    engine = Engine(sides, frozenset(BY_DEFAULT) - {"ingresses"})
    engine.furnish()
    engine.virt_api.objects.create("ingresses", "default", ingress())
    async with engine.running():
        await asyncio.sleep(0.1)
        assert not [each for each in engine.host_api.requests if each.resource == "ingresses"]


async def test_api_servers_own_service_leads_to_us_and_is_put_right(engine: Engine) -> None:
    """Threats E7."""
    place = Place("services", "default", "kubernetes")
    objects = engine.virt_api.objects
    theirs = service("kubernetes", clusterIP="10.96.0.1", selector=None)
    objects.create("services", "default", theirs)
    async with engine.running():
        await until(lambda: objects.get(place)["spec"].get("clusterIP") == "10.96.0.200")
        endpoints = place._replace(plural="endpoints")
        await until(lambda: objects.find(*endpoints))
        objects.patch(endpoints, {"subsets": []})
        await until(lambda: objects.get(endpoints)["subsets"])
        objects.remove(endpoints)
        await until(lambda: objects.find(*endpoints))


async def test_node_that_a_tenant_changed_is_put_right(engine: Engine) -> None:
    """Threats H1."""
    place = Place("nodes", "", "own-node")
    async with engine.running():
        await until(lambda: engine.virt_api.objects.find(*place))
        before = engine.virt_api.objects.get(place)["status"]["addresses"]
        evil = [{"type": "InternalIP", "address": "169.254.169.254"}]
        engine.virt_api.objects.patch(place, {"status": {"addresses": evil}}, "status")
        await until(lambda: engine.virt_api.objects.get(place)["status"]["addresses"] == before)


async def test_event_of_the_host_is_told(engine: Engine) -> None:
    engine.virt_api.objects.create("pods", "default", pod())
    async with engine.running():
        await until(lambda: engine.host_pods() == ["web"])
        host = engine.sides.host_obj("pods", "web")
        assert host is not None
        fields = ("name", "namespace", "uid")
        involved = {"kind": "Pod", **{field: host["metadata"][field] for field in fields}}
        event = {"metadata": {"name": "e"}, "involvedObject": involved, "message": "hello"}
        engine.host_api.objects.create("events", "team-x", event)
        await until(lambda: engine.virt_api.objects.of("events"))
        assert engine.virt_api.objects.of("events")[0]["message"] == "hello"


# --- one object never blocks another


async def test_poisoned_objects_cost_the_others_nothing(engine: Engine) -> None:
    """Threats R27."""
    poison = [
        pod("refused-by-us", hostNetwork=True),
        pod("refused-in-its-list", volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        pod("of-the-future", fieldOfTheFuture=1),
        pod("waits", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "lost"}}]),
        pod("odd", volumes=None, imagePullSecrets=[{}]),
        pod("malformed", containers=[{"image": "has no name"}]),
        pod("worse", containers=[container(env=[{"valueFrom": {"fieldRef": {}}}])]),
    ]
    engine.host_api.faults.add(Fault("POST", "ingresses", status=500, times=999))
    for each in poison:
        engine.virt_api.objects.create("pods", "default", each)
    lost = claim("lost", status={"phase": "Lost"})
    engine.virt_api.objects.create("persistentvolumeclaims", "default", lost)
    engine.virt_api.objects.create("ingresses", "default", ingress())
    engine.add_pods(5)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == 6)
        assert engine.host_pods() == ["odd", *(f"web-{number}" for number in range(5))]
        reasons = {event["reason"] for event in engine.virt_api.objects.of("events")}
        assert {"PodSecurity", "FieldRefused"} <= reasons
        engine.virt_api.objects.create("pods", "default", pod("later"))
        await until(lambda: "later" in engine.host_pods())


async def test_host_that_fails_for_a_while_loses_and_doubles_nothing(engine: Engine) -> None:
    """Threats R5, R9."""
    for status in (500, 503, 0, 409):
        engine.host_api.faults.add(Fault("POST", "pods", status=status, times=2))
    engine.host_api.faults.add(Fault("POST", "pods", status=504, times=3, commit=True))
    engine.add_pods(10)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == 10)
        assert len(engine.host_api.objects.of("pods")) == 10


def _written(engine: Engine, writes: int) -> Callable[[], bool]:
    return lambda: len(engine.host_api.writes()) >= writes


async def test_restart_at_any_moment_ends_in_the_same_state(engine: Engine) -> None:
    """Threats R1."""
    volume = {"name": "c", "configMap": {"name": "conf"}}
    engine.virt_api.objects.create("configmaps", "default", configmap())
    for number in range(5):
        virt = pod(f"web-{number}", volumes=[volume, TOKEN])
        engine.virt_api.objects.create("pods", "default", virt)
    current = engine
    for writes in (1, 3, 5, 7, 9, 11):
        async with current.running():
            await until(_written(engine, writes))
        current = restarted(current)
    async with current.running():
        await until(lambda: len(engine.host_pods()) == 5)
        await until(lambda: len(engine.host_api.objects.of("secrets")) == 5)
    assert len(engine.host_api.objects.of("configmaps")) == 2
    assert engine.anchor() == engine.host_api.objects.get(ANCHOR)


async def test_health_figures_are_true(engine: Engine) -> None:
    engine.virt_api.objects.create("pods", "default", pod(hostNetwork=True))
    async with engine.running():
        await until(lambda: engine.controller.attempts.refusals)
        assert engine.controller.attempts.refusals == {("pods", "PodSecurity"): 1}


@pytest.mark.parametrize(
    ("status", "ahead"),
    [
        ({"phase": "Pending"}, False),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}, False),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"phase": "Succeeded"}, True),
        ({"phase": "Failed"}, True),
        ({}, False),
    ],
)
def test_what_a_host_pod_has_come_to_goes_ahead(status: Obj, *, ahead: bool) -> None:
    assert arrived(pod(status=status)) is ahead


def test_a_host_pod_that_is_gone_goes_ahead() -> None:
    assert arrived(None)
