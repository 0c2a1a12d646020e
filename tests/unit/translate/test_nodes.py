"""Nodes: what of a host's node may be shown, what the tenant may add, and whose word counts."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncer.kube.objects import Obj
from syncer.translate.nodes import (
    FROM_HOST,
    is_extended,
    shown,
    timeless,
    told_by_pods,
    virtual,
)
from tests.unit.build import host_node

GPU, FOO = "example.com/gpu", "scheduling.k8s.io/foo"
DEAD = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "t"}
POOL = {"key": "pool", "value": "x", "effect": "NoSchedule"}
POOL_NOW = {**POOL, "effect": "NoExecute"}
OWN = {"key": "tenant", "value": "y", "effect": "NoExecute"}
ADMITTED = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def _virtual(host: Obj, virt: Obj | None = None) -> Obj:
    return virtual(shown(host), virt or {}, "kubelet.internal", 10350, "now")


def test_nothing_of_the_host_is_shown_that_is_no_business_of_a_tenant() -> None:
    made = _virtual(host_node())
    assert "secret" not in str(made)
    assert "podCIDR" not in str(made)
    assert set(made["metadata"]["annotations"]) == {FROM_HOST}


def test_node_is_what_the_host_says_and_leads_to_our_kubelet() -> None:
    host = host_node()
    made = _virtual(host)
    assert made["metadata"]["labels"] == host["metadata"]["labels"]
    for field in ("capacity", "allocatable", "conditions", "nodeInfo"):
        assert made["status"][field] == host["status"][field]
    assert made["status"]["addresses"] == [
        {"type": "InternalIP", "address": "192.168.0.7"},
        {"type": "Hostname", "address": "kubelet.internal"},
    ]
    assert made["status"]["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10350}}


@pytest.mark.parametrize("host", [host_node(), host_node(taints=[POOL, DEAD], unschedulable=True)])
@pytest.mark.parametrize(
    "virt", [{}, {"spec": {"taints": [OWN]}, "metadata": {"labels": {"a": "b"}}}]
)
def test_what_was_made_is_what_is_made_of_it_again(host: Obj, virt: Obj) -> None:
    once = _virtual(host, virt)
    assert _virtual(host, copy.deepcopy(once)) == once


# --- whose word counts: what the host said first, what the tenant made of it, what it says then


def _after(first: Obj, change: Obj, then: Obj) -> Obj:
    """Return the node made of what a tenant changed in one that was made before."""
    virt = _virtual(first)
    for part, fields in change.items():
        virt[part] = {**virt[part], **fields}
    return _virtual(then, virt)


@pytest.mark.parametrize(
    ("first", "tenant", "then", "expected"),
    [
        ({"a": "1"}, {"a": "1"}, {"a": "1"}, {"a": "1"}),
        ({"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": "2"}),
        ({"a": "1"}, {"a": "1"}, {}, {}),
        ({"a": "1"}, {"a": "9"}, {"a": "1"}, {"a": "1"}),
        ({"a": "1"}, {}, {"a": "1"}, {"a": "1"}),
        ({}, {"mine": "x"}, {}, {"mine": "x"}),
        ({"a": "1"}, {"a": "1", "mine": "x"}, {}, {"mine": "x"}),
        ({}, {"mine": "x"}, {"mine": "host"}, {"mine": "host"}),
    ],
)
def test_labels(first: Any, tenant: Any, then: Any, expected: Any) -> None:
    def labelled(labels: Any) -> Obj:
        return host_node(metadata={"labels": labels})

    made = _after(labelled(first), {"metadata": {"labels": tenant} | _note(first)}, labelled(then))
    assert made["metadata"]["labels"] == expected


def _note(labels: Any) -> Obj:
    note = _virtual(host_node(metadata={"labels": labels}))["metadata"]["annotations"]
    return {"annotations": note}


@pytest.mark.parametrize(
    ("first", "tenant", "then", "expected"),
    [
        ([POOL], [POOL], [POOL], [POOL]),
        ([POOL], [POOL], [], []),
        ([POOL], [], [POOL], [POOL]),
        ([], [OWN], [], [OWN]),
        ([], [OWN], [DEAD], [DEAD, OWN]),
        ([DEAD], [DEAD, OWN], [], [OWN]),
        ([], [{**POOL, "value": "mine"}], [POOL], [POOL]),
        # The same key with another effect is another taint.
        ([POOL], [POOL, POOL_NOW], [POOL], [POOL, POOL_NOW]),
        # Admission's own, which only a node's keeper can take off; a host's stays.
        ([], [ADMITTED, OWN], [], [OWN]),
        ([ADMITTED], [ADMITTED], [ADMITTED], [ADMITTED]),
    ],
)  # fmt: skip
def test_taints(first: Any, tenant: Any, then: Any, expected: Any) -> None:
    made = _after(host_node(taints=first), {"spec": {"taints": tenant}}, host_node(taints=then))
    assert made["spec"]["taints"] == expected


@pytest.mark.parametrize(
    ("first", "tenant", "then", "expected"),
    [
        (False, False, False, False),
        (False, True, False, True),
        (False, True, True, True),
        (True, True, False, False),
        (True, False, True, True),
    ],
)
def test_cordon(*, first: bool, tenant: bool, then: bool, expected: bool) -> None:
    made = _after(
        host_node(unschedulable=first),
        {"spec": {"unschedulable": tenant}},
        host_node(unschedulable=then),
    )
    assert made["spec"]["unschedulable"] is expected


@pytest.mark.parametrize(
    ("first", "capacity", "allocatable", "then", "expected"),
    [
        ({}, {}, {}, {}, ({}, {})),
        ({}, {FOO: "5"}, {FOO: "5"}, {}, ({FOO: "5"}, {FOO: "5"})),
        # A kubelet offers what is in the capacity, and nothing else.
        ({}, {FOO: "5"}, {}, {}, ({FOO: "5"}, {FOO: "5"})),
        ({}, {FOO: "5"}, {FOO: "3"}, {}, ({FOO: "5"}, {FOO: "3"})),
        ({}, {}, {FOO: "5"}, {}, ({}, {})),
        ({GPU: "1"}, {GPU: "1"}, {GPU: "1"}, {GPU: "1"}, ({GPU: "1"}, {GPU: "1"})),
        ({GPU: "1"}, {GPU: "99"}, {GPU: "99"}, {GPU: "1"}, ({GPU: "1"}, {GPU: "1"})),
        ({GPU: "1"}, {GPU: "1"}, {GPU: "1"}, {}, ({}, {})),
        ({}, {"cpu": "99"}, {"cpu": "99"}, {}, ({}, {})),
        ({}, {"hugepages-2Mi": "99"}, {}, {}, ({}, {})),
    ],
)
def test_resources(first: Any, capacity: Any, allocatable: Any, then: Any, expected: Any) -> None:
    def offering(amounts: Any) -> Obj:
        return host_node(status={"capacity": amounts, "allocatable": amounts})

    change = {"status": {"capacity": capacity, "allocatable": allocatable}}
    made = _after(offering(first), change, offering(then))["status"]
    assert (made["capacity"], made["allocatable"]) == expected


@pytest.mark.parametrize(
    "note", ["", "no json", "[]", "7", '{"labels": 7}', '{"labels": {"a": 1}}']
)
def test_note_that_a_tenant_spoiled_costs_only_the_tenant(note: str) -> None:
    virt = _virtual(host_node())
    virt["metadata"]["annotations"][FROM_HOST] = note
    made = _virtual(host_node(), virt)
    assert made == _virtual(host_node())


# --- conditions


def test_condition_of_a_node_that_only_pods_tell_of_says_since_when() -> None:
    host = told_by_pods("node-1", "192.168.0.7", "v1.34.4", "amd64")
    first = virtual(host, {}, "kubelet", 10350, "then")
    again = virtual(host, first, "kubelet", 10350, "now")
    assert {each["lastTransitionTime"] for each in again["status"]["conditions"]} == {"then"}


def test_heartbeat_is_no_news_and_travels_along_with_what_is() -> None:
    old, new = host_node(), host_node()
    new["status"]["conditions"][0]["lastHeartbeatTime"] = "2026-01-01T00:05:00Z"
    made = [_virtual(each)["status"]["conditions"] for each in (old, new)]
    assert made[0] != made[1]
    assert timeless(made[0]) == timeless(made[1])
    assert "lastTransitionTime" in timeless(made[0])[0]


@pytest.mark.parametrize(
    ("resource", "extended"),
    [("cpu", False), ("hugepages-2Mi", False), ("kubernetes.io/cpu", False), (GPU, True)],
)
def test_extended_resources_are_those_with_a_domain_of_their_own(
    resource: str,
    extended: bool,  # noqa: FBT001
) -> None:
    assert is_extended(resource) is extended
