"""What of a pod's size may change while it runs, and how a change is noticed."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from syncer.translate import resize
from tests.unit.build import container, pod

BIG = {"requests": {"cpu": "2"}}


@pytest.mark.parametrize(
    ("resources", "sized"),
    [
        ({}, None),
        ({"limits": {"example.com/gpu": "1"}}, None),
        ({"claims": [{"name": "x"}]}, None),
        ({"limits": {"cpu": "1", "example.com/gpu": "1"}}, {"limits": {"cpu": "1"}}),
        (
            {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1", "ephemeral-storage": "1Gi"}},
            {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}},
        ),
    ],
)
def test_cpu_and_memory_are_resizable(resources: Obj, sized: Obj | None) -> None:
    made = resize.of_containers(pod(containers=[container(resources=resources)]))
    expected = {"containers": [{"name": "main", "resources": sized}]} if sized else {}
    assert made == expected


def test_sidecars_are_resizable_and_other_init_containers_are_not() -> None:
    init = container(name="init", resources=BIG)
    sidecar = container(name="side", resources=BIG, restartPolicy="Always")
    made = resize.of_containers(pod(initContainers=[init, sidecar]))
    assert made == {"initContainers": [{"name": "side", "resources": BIG}]}


def test_digest_changes_with_the_size_and_with_nothing_else() -> None:
    small = pod(containers=[container(resources={"requests": {"cpu": "1"}})])
    same = pod(containers=[container(resources={"requests": {"cpu": "1"}}, image="other")])
    big = pod(containers=[container(resources=BIG)])
    assert resize.digest(small) == resize.digest(same) != resize.digest(big)
