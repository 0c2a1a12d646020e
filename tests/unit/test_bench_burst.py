"""A burst over real HTTP, against servers that have pods Ready as soon as they are created."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import kwok
from syncer.identity import MANAGED_BY, NAMESPACE, UID
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Asked, Fault
from tests.unit.fake_objects import Place
from tools.bench import burst
from tools.bench.api import Api, Refused
from tools.bench.burst import Side
from tools.bench.errors import BenchError
from tools.bench.timeline import Timeline
from tools.bench.watching import watching
from tools.bench.workloads import KWOK, REAL, Template

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
MANAGED = f"{MANAGED_BY}=vc"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Any:
    def write(url: str) -> Path:
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        file = tmp_path / url.rpartition(":")[2]
        file.write_text(yaml.safe_dump(config))
        return file

    return write


def pods(template: Template, count: int, namespace: str, label: str) -> list[dict[str, Any]]:
    return [template.pod(f"{label}-{n}", namespace, label) for n in range(count)]


def runs_at_once(api: FakeApi) -> None:
    """Have the server's pods Ready before their creator is answered."""

    def ran(asked: Asked) -> None:
        if (asked.method, asked.resource) == ("POST", "pods"):
            api.objects.patch(_place(asked), READY, "status")

    api.between.append(ran)


def has_twins(virt: FakeApi, host: FakeApi) -> None:
    """Have a host pod for each virtual one, as a syncer would make it."""

    def follow(asked: Asked) -> None:
        if asked.resource != "pods":
            return
        place = Place("pods", "team-x", f"{asked.body['metadata']['name']}-x" if asked.body else "")
        if asked.method == "POST":
            uid = virt.objects.get(_place(asked))["metadata"]["uid"]
            labels = {MANAGED_BY: "vc", NAMESPACE: asked.namespace}
            meta = {"name": place.name, "labels": labels, "annotations": {UID: uid}}
            host.objects.create("pods", "team-x", {"metadata": meta, "spec": {}})
            host.objects.bind(place, {"metadata": {}, "target": {"name": "n"}})
            host.objects.patch(place, READY, "status")
        elif asked.method == "DELETE":
            host.objects.remove(Place("pods", "team-x", f"{asked.name}-x"))

    virt.between.append(follow)


def _place(asked: Asked) -> Place:
    return Place("pods", asked.namespace, asked.body["metadata"]["name"])


async def test_a_bare_burst(kubeconfig: Any) -> None:
    async with FakeApi() as fake, Api(kubeconfig(fake.url)) as api:
        runs_at_once(fake)
        side = Side("bare", api, "space")
        done = await burst.run(side, "b", pods(Template(KWOK, "i"), 120, "space", "b"))
        assert (done.count, done.lost, len(done.latencies)) == (120, 0, 120)
        assert done.latencies == sorted(done.latencies)
        assert done.rate > 0
        assert not done.stages
        assert not fake.objects.of("pods"), "nothing is left"
        assert fake.watching("pods") <= 1


async def test_a_virtual_burst_has_stages_and_waits_for_the_host(kubeconfig: Any) -> None:
    async with (
        FakeApi() as virt,
        FakeApi() as host,
        Api(kubeconfig(virt.url)) as api,
        Api(kubeconfig(host.url)) as host_api,
    ):
        runs_at_once(virt)
        has_twins(virt, host)
        side = Side("virt", api, "space", host_api, "team-x", MANAGED)
        heights: list[int] = []

        async def held() -> None:
            heights.append(len(host.objects.of("pods")))

        done = await burst.run(side, "b", pods(Template(KWOK, "i"), 7, "space", "b"), held)
        assert heights == [7]
        assert {len(each) for each in done.stages.values()} == {7}
        assert not host.objects.of("pods")


async def test_what_a_pod_needs_is_made_before_it_and_removed(kubeconfig: Any) -> None:
    async with FakeApi() as fake, Api(kubeconfig(fake.url)) as api:
        runs_at_once(fake)
        made = pods(Template(KWOK, "i"), 2, "space", "b")
        path = "/api/v1/namespaces/space/configmaps"
        beside = {
            name: [(path, {"metadata": {"name": f"c-{name}"}})]
            for name in (each["metadata"]["name"] for each in made)
        }
        await burst.run(Side("bare", api, "space"), "b", made, companions=beside)
        for name in beside:
            order = [each.resource for each in fake.writes() if name in str(each.body)]
            assert order == ["configmaps", "pods"]
        assert not fake.objects.of("configmaps")


async def test_an_error_of_the_server_ends_the_burst_and_leaves_nothing(kubeconfig: Any) -> None:
    async with FakeApi() as fake, Api(kubeconfig(fake.url)) as api:
        runs_at_once(fake)
        fake.faults.add(Fault("POST", "pods", name="*", status=500, reason="InternalError"))
        with pytest.raises(ExceptionGroup) as caught:
            await burst.run(
                Side("bare", api, "space"), "b", pods(Template(REAL, "i"), 3, "space", "b")
            )
        assert caught.group_contains(Refused, match="500")
        assert not fake.objects.of("pods")


async def test_waiting_is_bounded_and_ends_with_its_watch(kubeconfig: Any) -> None:
    """A watch that the server ends goes on; one that cannot go on ends the wait."""
    async with FakeApi() as fake, Api(kubeconfig(fake.url)) as api:
        timeline = burst.Burst("bare", 1).timeline
        path = "/api/v1/namespaces/space/pods"
        async with watching(api, path, "", timeline) as watch:
            with pytest.raises(BenchError, match="not in 0 s: never"):
                await watch.until("never", lambda t: bool(t.ready), 0.05)
            for number in (1, 2):
                pod: dict[str, Any] = {"metadata": {"name": f"pod-{number}"}, "spec": {}}
                fake.objects.create("pods", "space", pod)
                await watch.until("one more", partial(_saw, number), 5)
                fake.end_watches()
            fake.objects.compact()
            fake.end_watches()
            with pytest.raises(BenchError, match="the watch ended"):
                await watch.until("never", lambda t: bool(t.ready), 5)


def _saw(count: int, timeline: Timeline) -> bool:
    return len(timeline.seen) == count


@pytest.mark.parametrize(("nodes", "goes_there"), [(KWOK, True), (REAL, False)])
def test_pods_go_where_they_are_meant_to(nodes: str, *, goes_there: bool) -> None:
    spec = Template(nodes, "i").pod("a", "space", "b")["spec"]
    assert (spec.get("nodeSelector") == kwok.NODES) is goes_there
    assert bool(spec.get("tolerations")) is goes_there
