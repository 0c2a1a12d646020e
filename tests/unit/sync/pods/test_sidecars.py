"""Pods with sidecar containers, on hosts that know them and on hosts that do not."""

from __future__ import annotations

import contextlib

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from tests.unit.build import container, pod
from tests.unit.pod_life import Pods
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
SIDECAR = container(name="proxy", restartPolicy="Always")
ORDINARY = container(name="migrate")


def drops(plural: str, obj: Obj) -> None:
    """Do as an API server that does not know the field."""
    for each in obj["spec"].get("initContainers") or () if plural == "pods" else ():
        each.pop("restartPolicy", None)


@pytest.mark.parametrize(
    ("init", "knows", "asked", "made"),
    [
        ([], True, 0, True),
        ([], False, 0, True),
        ([ORDINARY], False, 0, True),
        ([SIDECAR], True, 1, True),
        ([SIDECAR], False, 1, False),
        ([ORDINARY, SIDECAR], False, 1, False),
    ],
)
async def test_a_pod_reaches_only_a_host_that_knows_its_sidecars(
    init: list[Obj], asked: int, sides: Sides, *, knows: bool, made: bool
) -> None:
    pods = Pods(sides)
    if not knows:
        sides.host_api.objects.admission.append(drops)
    sides.add_virt("pods", pod(initContainers=init))
    refused = contextlib.nullcontext() if made else pytest.raises(Refused, match="Policy of proxy ")
    with refused:
        await pods.reconcile()
    created = sides.host_api.made("POST", "pods")
    assert [bool(each.query.get("dryRun")) for each in created] == [True] * asked + [False] * made
    assert len(sides.host_api.objects.of("pods")) == made


async def test_a_host_that_knows_them_is_asked_once_and_one_that_does_not_each_time(
    sides: Sides,
) -> None:
    pods = Pods(sides)
    sides.host_api.objects.admission.append(drops)
    for name in ("a", "b"):
        sides.add_virt("pods", pod(name, initContainers=[SIDECAR]))
        with pytest.raises(Refused):
            await pods.mirror.reconcile(Key("pods", "default", name))
    sides.host_api.objects.admission.clear()  # the host is upgraded
    for name in ("a", "b"):
        await pods.mirror.reconcile(Key("pods", "default", name))
    asked = [each.query for each in sides.host_api.made("POST", "pods")]
    assert asked == [{"dryRun": "All"}] * 3 + [{}, {}]
