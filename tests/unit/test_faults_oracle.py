"""The oracle of the fault suite: equal but for what differs by nature between any two runs."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.e2e.cluster import Obj
from tests.faults import oracle
from tests.faults.entry import Entry

UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "00000000-d9cb-469f-a165-70867728950e"


def pod() -> Obj:
    return {
        "metadata": {
            "name": "web-54bd4bdcb9-2grkj-x-one-x-vc",
            "uid": UID,
            "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"virtualcluster.dev/namespace": "one", "a": "b"},
            "annotations": {"virtualcluster.dev/uid": UID, "virtualcluster.dev/kind": "pods"},
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "busybox"}]},
        "status": {
            "podIP": "10.1.2.3",
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "then"},
                {"type": "Initialized", "status": "True"},
            ],
        },
    }


def state(*objects: Obj, kind: str = "Pod", namespace: str = "one") -> oracle.State:
    return oracle.state([Entry("host", kind, each, 0.0) for each in objects], namespace)


def other_name(obj: Obj) -> None:
    obj["metadata"]["name"] = "web-54bd4bdcb9-zzvvx-x-one-x-vc"


def other_node(obj: Obj) -> None:
    obj["spec"]["nodeName"] = "node-2"


def other_address(obj: Obj) -> None:
    obj["status"]["podIP"] = "10.9.9.9"


def other_order(obj: Obj) -> None:
    obj["status"]["conditions"].reverse()


def other_uid(obj: Obj) -> None:
    obj["metadata"]["uid"] = OTHER
    obj["metadata"]["annotations"]["virtualcluster.dev/uid"] = OTHER


def other_version(obj: Obj) -> None:
    obj["metadata"]["resourceVersion"] = "8"


@pytest.mark.parametrize(
    "change", [other_name, other_node, other_address, other_order, other_uid, other_version]
)
def test_no_difference(change: Callable[[Obj], None]) -> None:
    changed = copy.deepcopy(pod())
    change(changed)
    assert oracle.differences(state(pod()), state(changed)) == []


def test_namespaces_are_called_alike() -> None:
    moved = pod()
    moved["metadata"]["name"] = "web-54bd4bdcb9-2grkj-x-two-x-vc"
    moved["metadata"]["labels"]["virtualcluster.dev/namespace"] = "two"
    assert oracle.differences(state(pod()), state(moved, namespace="two")) == []


def other_image(obj: Obj) -> None:
    obj["spec"]["containers"][0]["image"] = "nginx"


def other_label(obj: Obj) -> None:
    obj["metadata"]["labels"]["a"] = "c"


def no_address(obj: Obj) -> None:
    del obj["status"]["podIP"]


def not_ready(obj: Obj) -> None:
    obj["status"]["conditions"][0]["status"] = "False"


@pytest.mark.parametrize("change", [other_image, other_label, no_address, not_ready])
def test_a_difference(change: Callable[[Obj], None]) -> None:
    changed = pod()
    change(changed)
    told = oracle.differences(state(pod()), state(changed))
    assert len(told) == 2
    assert "is …" in oracle.shown(told)


@pytest.mark.parametrize(
    ("reference", "now", "told"),
    [
        ([pod()], [], "missing (0, not 1)"),
        ([], [pod()], "too much (1, not 0)"),
        ([pod()], [pod(), pod()], "too much (2, not 1)"),
        ([pod(), pod()], [pod()], "missing (1, not 2)"),
    ],
)
def test_how_many(reference: list[Obj], now: list[Obj], told: str) -> None:
    (found,) = oracle.differences(state(*reference), state(*now))
    assert found.startswith(told)


def test_the_content_of_a_secret_counts_but_not_that_of_a_token() -> None:
    def secret(value: str, kind: str) -> oracle.State:
        marks = {"virtualcluster.dev/kind": kind}
        return state(
            {"metadata": {"name": "s", "annotations": marks}, "data": {"k": value}}, kind="Secret"
        )

    assert oracle.differences(secret("a", "secrets"), secret("b", "secrets"))
    assert not oracle.differences(secret("a", "tokens"), secret("b", "tokens"))
