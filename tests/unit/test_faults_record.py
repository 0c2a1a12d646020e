"""The ledger of the fault suite: it objects to what is lost, doubled or orphaned, no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.cluster import Obj
from tests.faults.record import Record
from tests.faults.verdict import Verdict

NS = "case"
FINE = Verdict([], [], [])


def virt(name: str, uid: str, **meta: Any) -> Obj:
    return {"metadata": {"name": name, "namespace": NS, "uid": uid, **meta}, "spec": {}}


def host(name: str, uid: str, twin: str, kind: str = "pods") -> Obj:
    marks = {"virtualcluster.dev/uid": twin, "virtualcluster.dev/kind": kind}
    labels = {"virtualcluster.dev/namespace": NS}
    meta = {"name": name, "uid": uid, "annotations": marks, "labels": labels}
    return {"metadata": meta, "spec": {}}


def pair(record: Record, kind: str = "Pod", mark: str = "pods") -> None:
    record.note("virt", kind, "ADDED", virt("a", "v1"))
    record.note("host", kind, "ADDED", host("a-x", "h1", "v1", mark))


def good(record: Record) -> None:
    pair(record)


def gone_on_both_sides(record: Record) -> None:
    pair(record)
    record.deletes("Pod", NS, "a")
    record.note("virt", "Pod", "DELETED", virt("a", "v1"))
    record.note("host", "Pod", "DELETED", host("a-x", "h1", "v1"))


def made_again_after_it_went(record: Record) -> None:
    pair(record, "Service", "services")
    record.note("host", "Service", "DELETED", host("a-x", "h1", "v1", "services"))
    record.note("host", "Service", "ADDED", host("a-x", "h2", "v1", "services"))


def made_again_before_it_had_a_node(record: Record) -> None:
    pair(record)
    record.note("host", "Pod", "DELETED", host("a-x", "h1", "v1"))
    record.note("host", "Pod", "ADDED", host("a-x", "h2", "v1"))


def ended_without_twin(record: Record) -> None:
    record.note("virt", "Pod", "ADDED", {**virt("a", "v1"), "status": {"phase": "Failed"}})


def of_a_controller(record: Record) -> None:
    owned = virt("a", "v1", ownerReferences=[{"kind": "ReplicaSet"}])
    record.note("virt", "Pod", "ADDED", owned)
    record.note("virt", "Pod", "DELETED", owned)


def _tokens(*uids: str) -> Obj:
    secret = host("a-t", "h2", "v1", "tokens")
    held = json.dumps({f"pod-{uid}": uid for uid in uids})
    secret["metadata"]["annotations"]["virtualcluster.dev/pods"] = held
    return secret


def tokens_of_a_pod_that_is_still_there(record: Record) -> None:
    """The Secret is named after the first one that had its tokens there."""
    record.note("virt", "Pod", "ADDED", virt("b", "v2"))
    record.note("host", "Pod", "ADDED", host("b-x", "h1", "v2"))
    record.note("host", "Secret", "ADDED", _tokens("v1", "v2"))


@pytest.mark.parametrize(
    "story",
    [
        good,
        gone_on_both_sides,
        made_again_after_it_went,
        made_again_before_it_had_a_node,
        ended_without_twin,
        of_a_controller,
        tokens_of_a_pod_that_is_still_there,
    ],
)
def test_what_is_well(story: Any) -> None:
    record = Record()
    story(record)
    assert record.verdict(NS) == FINE


def without_twin(record: Record) -> None:
    pair(record)
    record.note("host", "Pod", "DELETED", host("a-x", "h1", "v1"))


def deleted_by_nobody(record: Record) -> None:
    pair(record, "Secret", "secrets")
    record.note("virt", "Secret", "DELETED", virt("a", "v1"))
    record.note("host", "Secret", "DELETED", host("a-x", "h1", "v1", "secrets"))


def second_host_pod(record: Record) -> None:
    """Also when the first one has gone before: its work is done twice."""
    first = host("a-x", "h1", "v1") | {"spec": {"nodeName": "node-1"}}
    record.note("virt", "Pod", "ADDED", virt("a", "v1"))
    record.note("host", "Pod", "ADDED", first)
    record.note("host", "Pod", "DELETED", first)
    record.note("host", "Pod", "ADDED", host("a-x", "h2", "v1"))


def two_at_once(record: Record) -> None:
    pair(record, "Service", "services")
    record.note("host", "Service", "ADDED", host("a-y", "h2", "v1", "services"))


def orphan(record: Record) -> None:
    pair(record)
    record.deletes("Pod", NS, "a")
    record.note("virt", "Pod", "DELETED", virt("a", "v1"))


def tokens_of_pods_that_are_gone(record: Record) -> None:
    record.note("host", "Secret", "ADDED", _tokens("v1", "v2"))


def twin_of_an_earlier_one(record: Record) -> None:
    pair(record, "ConfigMap", "configmaps")
    record.deletes("ConfigMap", NS, "a")
    record.note("virt", "ConfigMap", "DELETED", virt("a", "v1"))
    record.note("virt", "ConfigMap", "ADDED", virt("a", "v2"))


@pytest.mark.parametrize(
    ("story", "lost", "doubled", "orphaned"),
    [
        (without_twin, 1, 0, 0),
        (deleted_by_nobody, 1, 0, 0),
        (second_host_pod, 0, 1, 0),
        (two_at_once, 0, 1, 0),
        (orphan, 0, 0, 1),
        (tokens_of_pods_that_are_gone, 0, 0, 1),
        (twin_of_an_earlier_one, 0, 0, 1),
    ],
)
def test_what_is_not(story: Any, lost: int, doubled: int, orphaned: int) -> None:
    record = Record()
    story(record)
    verdict = record.verdict(NS)
    assert bool(verdict)
    assert tuple(map(len, verdict)) == (lost, doubled, orphaned), str(verdict)


def test_other_namespaces_do_not_count() -> None:
    record = Record()
    orphan(record)
    assert record.verdict("another") == FINE


def test_what_is_on_its_way_out() -> None:
    record = Record()
    pair(record)
    assert not record.going
    record.note("virt", "Pod", "MODIFIED", virt("a", "v1", deletionTimestamp="now"))
    assert record.going == {("virt", "v1")}
    record.note("virt", "Pod", "DELETED", virt("a", "v1", deletionTimestamp="now"))
    assert not record.going
