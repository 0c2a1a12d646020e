"""Compares two end states: what is by nature different between two runs is left out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.faults.entry import Entry

State = dict[str, int]
"""Objects as text, and how often there is one like it."""

# Counted by the servers, told by clocks, or made of a UID.
DROPPED = {
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finishedAt",
    "firstTimestamp",
    "generation",
    "lastProbeTime",
    "lastTransitionTime",
    "managedFields",
    "observedGeneration",
    "resourceVersion",
    "selfLink",
    "startTime",
    "startedAt",
    "uid",
    "virtualcluster.dev/applied",
    "virtualcluster.dev/token-renew-at",
}
MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<ip>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<hash>"),
    (re.compile(r"\bnode-\d\b"), "<node>"),
    (re.compile(r"\bkube-api-access-[a-z0-9]{5}\b"), "kube-api-access-<>"),
)
# Of node ports; of names that controllers make up.
PORT = re.compile(r"\b3[0-2]\d{3}\b")
SUFFIX = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b")


def state(entries: Iterable[Entry], namespace: str) -> State:
    """Return what there is."""
    found: State = {}
    for entry in entries:
        text = f"{entry.side} {entry.kind} {_text(entry, namespace)}"
        found[text] = found.get(text, 0) + 1
    return found


def differences(reference: State, now: State) -> list[str]:
    """Return what is missing and what is too much, in words; nothing, if the two are equal."""
    told = []
    for text in sorted(reference.keys() | now.keys()):
        want, have = reference.get(text, 0), now.get(text, 0)
        if want != have:
            told.append(f"{'missing' if have < want else 'too much'} ({have}, not {want}): {text}")
    return told


def shown(told: list[str], longest: int = 1500) -> str:
    """Return differences for a message: of a pair that is alike, only where it parts."""
    missing = [each for each in told if each.startswith("missing")]
    more = [each for each in told if each.startswith("too much")]
    if len(missing) == len(more) == 1:
        one, other = missing[0].partition(": ")[2], more[0].partition(": ")[2]
        at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
        begin = max(0, at - 80)
        return f"{one[:60]}: …{one[begin : at + 120]}… is …{other[begin : at + 120]}…"
    return " | ".join(each[:400] for each in told)[:longest]


def _text(entry: Entry, namespace: str) -> str:
    obj = _plain(entry.obj)
    for field in ("apiVersion", "kind"):
        obj.pop(field, None)  # the items of a list have none
    if entry.kind == "Secret" and entry.twin_of[0] == "tokens":
        obj["data"] = sorted(obj.get("data") or {})
    if entry.kind == "ConfigMap" and entry.name.startswith("kube-root-ca.crt"):
        obj["data"] = sorted(obj.get("data") or {})
    text = json.dumps(obj, sort_keys=True)
    for mask, instead in MASKS:
        text = mask.sub(instead, text)
    if entry.kind == "Pod" or entry.twin_of[0] == "tokens":
        text = SUFFIX.sub("-<>", text)
    return PORT.sub("<port>", text).replace(namespace, "<ns>")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key not in DROPPED}
    if isinstance(value, list):
        items = [_plain(each) for each in value]
        # Conditions are appended by whoever comes first.
        if items and all(
            isinstance(each, dict) and "status" in each and "type" in each for each in items
        ):
            return sorted(items, key=lambda each: str(each["type"]))
        return items
    return value
