"""Waiting for a state of the world: bounded, and telling what it saw last when it gives up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.e2e.cluster import Obj

T = TypeVar("T")
FIRST_GLANCE, LONGEST_GLANCE = 0.05, 0.5


class Pending(Exception):
    """Raised by a probe that wants to say why it is not satisfied yet."""


def until(
    what: str,
    probe: Callable[[], T | None],
    seconds: float = 60.0,
    *,
    despite: tuple[type[Exception], ...] = (),
) -> T:
    """Return the first answer of the probe that counts as true.

    Only `Pending` and the errors of `despite` mean "not yet"; any other one ends the wait at once.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_GLANCE
    expected: tuple[type[Exception], ...] = (Pending, *despite)
    while True:
        try:
            answer = probe()
        except expected as error:
            answer, seen = None, str(error) or type(error).__name__
        else:
            seen = repr(answer)
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:.0f} s: {what}; last seen: {seen}")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_GLANCE)


def is_ready(pod: Obj) -> bool:
    """Tell whether a pod is Ready."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def brief(pod: Obj) -> str:
    """Return a pod's state in one line."""
    status = pod.get("status") or {}
    states = [
        f"{each['name']}={'+'.join(each.get('state') or ()) or '?'}"
        for each in status.get("containerStatuses") or ()
    ]
    going = " deleting" if pod["metadata"].get("deletionTimestamp") else ""
    return f"{pod['metadata']['name']}: {status.get('phase', '?')} {' '.join(states)}{going}"
