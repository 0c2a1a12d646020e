"""R10 to R13: what the host's people do to the twins."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.play import Play
from tests.faults.reference import Reference

COPIES = (("ConfigMap", "settings"), ("Secret", "creds"), ("Service", "web"), ("Ingress", "web"))
EDITS: dict[str, tuple[str, str, Obj]] = {
    "data": ("ConfigMap", "settings", {"data": {"colour": "green", "new": "x"}}),
    "secret": ("Secret", "creds", {"data": {"password": "Z3JlZW4="}}),
    "selector": ("Service", "web", {"spec": {"selector": {"someone": "else"}}}),
    "label": (
        "ConfigMap",
        "settings",
        {"metadata": {"labels": {"virtualcluster.dev/namespace": "elsewhere"}}},
    ),
    "ports": ("Service", "web", {"spec": {"ports": [{"port": 81, "name": "http"}]}}),
}


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield deletions, edits and lost marks."""
    del fast
    for kind, name in COPIES:
        yield Case(
            "R10",
            f"{kind.lower()}",
            "a copy is deleted on the host",
            functools.partial(_deleted, kind, name),
            fast=kind == "Secret",
        )
    yield Case("R11", "bare", "a host pod is deleted", _bare, fast=True)
    yield Case("R11", "controlled", "a host pod is deleted", _controlled)
    yield Case("R12", "claim", "a host claim is deleted", _claim, fast=True)
    for name in EDITS:
        yield Case(
            "R13",
            f"edited-{name}",
            "a twin is edited on the host",
            functools.partial(_edited, name),
            fast=name == "data",
        )
    for kind, name in (("ConfigMap", "settings"), ("Service", "web")):
        yield Case(
            "R13",
            f"unmarked-{kind.lower()}",
            "a twin loses its marks",
            functools.partial(_unmarked, kind, name),
            fast=kind == "ConfigMap",
        )


def _deleted(kind: str, name: str, play: Play) -> None:
    play.phase("create")
    before = play.virt(kind, name)["metadata"]["uid"]
    twin = play.has_twin(kind, name)["metadata"]
    begun = time.monotonic()
    play.pair.host.delete(kind, twin["name"], NAMESPACE)
    play.struck()
    play.eventually("it has another twin", lambda: _other(play, kind, name, twin["uid"]))
    play.converges("create", since=begun)
    assert play.virt(kind, name)["metadata"]["uid"] == before, "the original was made anew"
    play.phase("clear")


def _other(play: Play, kind: str, name: str, uid: str) -> bool:
    twin = play.twin(kind, name)
    return twin is not None and twin["metadata"]["uid"] != uid


def _bare(play: Play) -> None:
    play.phase("create")
    twin = play.has_twin("Pod", "bare")["metadata"]
    uid = play.virt("Pod", "bare")["metadata"]["uid"]
    begun = time.monotonic()
    play.pair.host.delete("Pod", twin["name"], NAMESPACE)
    play.struck()
    phase = play.eventually(
        "the pod has failed",
        lambda: play.virt("Pod", "bare")["status"]["phase"] == "Failed",
    )
    assert phase
    play.converged(begun)
    assert play.virt("Pod", "bare")["metadata"]["uid"] == uid
    play.phase("clear")


def _controlled(play: Play) -> None:
    play.phase("create")
    pods = play.pair.record.there("host", play.namespace, "Pod")
    web = next(each for each in pods if each.name.startswith("web-"))
    begun = time.monotonic()
    play.pair.host.delete("Pod", web.name, NAMESPACE)
    play.struck()
    play.eventually("the host pod is gone", lambda: web.gone is not None)
    play.converges("create", since=begun)
    play.phase("clear")


def _claim(play: Play) -> None:
    tenant = play.tenant
    tenant.opens()
    tenant.makes(manifests.claim("alone", play.namespace))
    play.eventually("it is bound", lambda: _phase(play) == "Bound")
    twin = play.has_twin("PersistentVolumeClaim", "alone")["metadata"]
    begun = time.monotonic()
    play.pair.host.delete("PersistentVolumeClaim", twin["name"], NAMESPACE)
    play.struck()
    play.eventually("it is lost", lambda: _phase(play) == "Lost")
    play.converged(begun)
    play.pair.rest()
    assert play.twin("PersistentVolumeClaim", "alone") is None, "an empty volume took its place"
    _told(play, "PersistentVolumeClaim", "alone", "ClaimLost")
    tenant.deletes("PersistentVolumeClaim", "alone")


def _phase(play: Play) -> str:
    return str(play.virt("PersistentVolumeClaim", "alone")["status"]["phase"])


def _edited(edit: str, play: Play) -> None:
    kind, name, patch = EDITS[edit]
    play.phase("create")
    twin = play.has_twin(kind, name)["metadata"]["name"]
    begun = time.monotonic()
    play.pair.host.patch(kind, twin, NAMESPACE, patch)
    play.struck()
    play.converges("create", since=begun)
    play.phase("clear")


def _unmarked(kind: str, name: str, play: Play) -> None:
    play.phase("create")
    host = play.pair.host
    twin = play.has_twin(kind, name)["metadata"]["name"]
    marks = host.get(kind, twin, NAMESPACE)["metadata"]
    none = {
        "labels": dict.fromkeys(marks["labels"]),
        "annotations": dict.fromkeys(marks["annotations"]),
    }
    begun = time.monotonic()
    host.patch(kind, twin, NAMESPACE, {"metadata": none})
    play.struck()
    _told(play, kind, name, "NameTaken")
    play.converged(begun)
    tenant = play.tenant
    tenant.changes(kind, name, {"metadata": {"labels": {"touched": "yes"}}})
    play.pair.rest()
    left = host.get(kind, twin, NAMESPACE)
    assert not left["metadata"].get("labels"), "it was marked again"
    assert play.twin(kind, name) is None, "it has a second twin"
    host.patch(
        kind,
        twin,
        NAMESPACE,
        {"metadata": {"labels": marks["labels"], "annotations": marks["annotations"]}},
    )
    play.has_twin(kind, name)
    play.phase("clear")


def _told(play: Play, kind: str, name: str, reason: str) -> None:
    """Wait for the Warning that says why."""

    def told() -> bool:
        events = play.pair.virt.all("Event", play.namespace)
        return any(
            each["involvedObject"]["kind"] == kind
            and each["involvedObject"]["name"] == name
            and each["reason"] == reason
            for each in events
        )

    play.eventually(f"a Warning {reason} on {kind} {name}", told, 90)
