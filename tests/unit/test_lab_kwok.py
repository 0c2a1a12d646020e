"""The simulated nodes of a lab: nothing comes there by accident, and a virtual pod may."""

from __future__ import annotations

from lab import kwok
from syncer.translate.scheduling import ALLOWED_TAINTS, tolerations


def test_only_who_tolerates_them_comes_to_the_nodes() -> None:
    """The lab's other pods stay on real kubelets."""
    spec = kwok.node(1)["spec"]
    assert spec == {"taints": [kwok.TAINT]}
    assert kwok.TAINT["effect"] == "NoSchedule"


def test_a_virtual_pod_may_go_there() -> None:
    """A virtual cluster passes on only tolerations of one domain."""
    assert kwok.TAINT["key"].startswith(ALLOWED_TAINTS)
    wish = {"key": kwok.TAINT["key"], "operator": "Exists", "effect": "NoSchedule"}
    assert tolerations({"spec": {"tolerations": [wish]}}) == [wish]


def test_the_nodes_are_managed_and_told_apart() -> None:
    """Each has a name of its own, and the labels that pods select."""
    nodes = [kwok.node(number) for number in range(1, kwok.COUNT + 1)]
    metas = [each["metadata"] for each in nodes]
    assert len({meta["name"] for meta in metas}) == kwok.COUNT
    for meta in metas:
        assert meta["labels"].items() >= kwok.NODES.items()
        assert meta["annotations"] == {"kwok.x-k8s.io/node": "fake"}
