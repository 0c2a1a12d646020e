"""Why something did not reach the host, told on the virtual object: once, and again in time."""

import re

import pytest

from syncer.kube.objects import Obj
from syncer.kube.recorder import REMEMBERED, Recorder
from tests.unit.build import Clock, pod
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)


class Bench:
    def __init__(self, sides: Sides) -> None:
        self.api = sides.virt_api
        self.clock = Clock()
        self.recorder = Recorder(sides.virt, self.clock)

    def told(self) -> list[Obj]:
        return self.api.objects.of("events")


@pytest.fixture
def bench(sides: Sides) -> Bench:
    return Bench(sides)


async def test_warning_stands_on_the_virtual_object(bench: Bench) -> None:
    await bench.recorder.warn(pod(), "PodSecurity", "is privileged")
    (event,) = bench.told()
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web",
        "namespace": "default",
        "uid": "virt-default-web",
    }
    assert (event["type"], event["reason"]) == ("Warning", "PodSecurity")
    assert event["message"] == "is privileged"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["lastTimestamp"])


async def test_same_warning_is_written_once_and_another_is_another(bench: Bench) -> None:
    for _ in range(3):
        await bench.recorder.warn(pod(), "A", "text")
    assert len(bench.api.writes()) == 1
    await bench.recorder.warn(pod(), "A", "other text")
    await bench.recorder.warn(pod(), "B", "text")
    await bench.recorder.warn(pod(metadata={"uid": "later"}), "A", "text")
    assert len(bench.told()) == 4


async def test_warning_that_was_told_before_a_restart_is_not_doubled(bench: Bench) -> None:
    await bench.recorder.warn(pod(), "A", "text")
    again = Recorder(bench.recorder._virt, bench.clock)
    await again.warn(pod(), "A", "text")
    assert len(bench.told()) == 1


async def test_warning_is_told_again_when_the_api_server_has_forgotten_it(bench: Bench) -> None:
    """Events live for an hour; what is refused stays refused for longer."""
    await bench.recorder.warn(pod(), "A", "text")
    (event,) = bench.told()
    bench.api.objects.remove(Place("events", "default", event["metadata"]["name"]))
    bench.clock.advance(30 * 60)
    await bench.recorder.warn(pod(), "A", "text")
    assert bench.told() == []
    bench.clock.advance(30 * 60)
    await bench.recorder.warn(pod(), "A", "text")
    assert len(bench.told()) == 1


async def test_warning_about_an_object_without_a_namespace_stands_in_default(
    bench: Bench,
) -> None:
    node = {"kind": "Node", "metadata": {"name": "node-1", "uid": "u"}}
    await bench.recorder.warn(node, "A", "text")
    (event,) = bench.told()
    assert event["metadata"]["namespace"] == "default"


@pytest.mark.parametrize("status", [0, 403, 404, 500])
async def test_warning_that_could_not_be_written_is_no_error_and_is_tried_again(
    bench: Bench, status: int
) -> None:
    bench.api.faults.add(Fault("POST", "events", status=status, times=3))
    await bench.recorder.warn(pod(), "A", "text")
    bench.api.faults.clear()
    await bench.recorder.warn(pod(), "A", "text")
    assert len(bench.told()) == 1


async def test_warning_about_a_long_name_with_a_long_text_is_valid(bench: Bench) -> None:
    await bench.recorder.warn(pod("n" * 253), "A", "x" * 5000)
    (event,) = bench.told()
    assert len(event["metadata"]["name"]) <= 253
    assert len(event["message"]) == 1024


async def test_memory_is_bounded(bench: Bench) -> None:
    bench.api.objects.admission.append(lambda _plural, obj: obj.pop("message"))
    bench.recorder._told.update({str(number): 0.0 for number in range(REMEMBERED)})
    await bench.recorder.warn(pod(), "A", "text")
    assert len(bench.recorder._told) == REMEMBERED


async def test_namespace_that_ends_is_told_nothing_more(bench: Bench) -> None:
    ends = "unable to create new content in namespace default because it is being terminated"
    bench.api.faults.add(Fault("POST", "events", status=403, message=ends, times=9))
    for _ in range(3):
        await bench.recorder.warn(pod(), "A", "text")
    assert len(bench.api.writes()) == 1
