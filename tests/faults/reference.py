"""The run without a fault: what both sides look like after each phase, and what was written."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults import oracle
from tests.faults.pair import Pair
from tests.faults.wire import Asked
from tests.faults.workload import PHASES, PODS, Tenant

RUNS = 2  # of what differs between two of them nothing can be expected
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|node-\d")


class Point(NamedTuple):
    """A write, by what any run calls it, and which of those that are called so."""

    side: str
    verb: str
    resource: str
    name: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.side} {self.verb} {self.resource} {self.name} #{self.occurrence}"


def label(asked: Asked, namespace: str) -> tuple[str, str, str, str]:
    """Return what any run calls a request."""
    name = _HASH.sub("<>", asked.name).replace(namespace, "<ns>")
    return asked.side, asked.verb, asked.resource, oracle.SUFFIX.sub("-<>", name)


@dataclass
class Reference:
    """What is expected of a run."""

    states: dict[str, oracle.State] = field(default_factory=dict)
    points: dict[str, list[Point]] = field(default_factory=dict)
    """The writes of each phase, in the order of the first run."""


def refer(pair: Pair) -> Reference:
    """Run the workload without faults, and again: the same must come of it."""
    found = Reference()
    for run in range(RUNS):
        namespace = f"reference-{run}"
        tenant = Tenant(pair, namespace)
        for name, phase in PHASES.items():
            before = [len(proxy.seen) for proxy in pair.proxies]
            phase(tenant)
            pair.rest(when=functools.partial(_done, pair, namespace, name))
            state = pair.look(namespace)
            told = oracle.differences(found.states.setdefault(name, state), state)
            assert not told, f"two runs without faults differ after {name}: {oracle.shown(told)}"
            verdict = pair.record.verdict(namespace)
            assert not verdict, f"without a fault, after {name}: {verdict}"
            points = _points(pair, before, namespace)
            there = found.points.setdefault(name, points)
            found.points[name] = [point for point in there if point in set(points)]
        tenant.leaves()
    return found


def _done(pair: Pair, namespace: str, phase: str) -> bool:
    """Tell whether there are as many pods as there should be, and nothing lacks its twin."""
    pods = pair.record.there("virt", namespace, "Pod")
    states = {each.obj.get("status", {}).get("phase") for each in pods}
    held = [each for each in pods if each.obj["metadata"].get("finalizers")]
    fine = len(pods) == PODS[phase] and states <= {"Running", "Succeeded"}
    return fine and not held and not pair.record.verdict(namespace)


def _points(pair: Pair, before: list[int], namespace: str) -> list[Point]:
    seen = [
        each for proxy, at in zip(pair.proxies, before, strict=True) for each in proxy.seen[at:]
    ]
    count: Counter[tuple[str, str, str, str]] = Counter()
    found = []
    for each in sorted(seen, key=lambda each: each.at):
        if each.asked.writes:
            name = label(each.asked, namespace)
            count[name] += 1
            found.append(Point(*name, count[name]))
    return found
