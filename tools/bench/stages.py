"""Where the time of a virtual pod goes, by watches on both sides and one clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tests.e2e.release import virt_uid
from tools.bench.timeline import Timeline, Times

STAGES = (
    ("create", "request → virtual API server's answer"),
    ("down", "answer → host pod seen"),
    ("place", "host pod seen → placed on a node"),
    ("run", "placed → host pod Ready"),
    ("up", "host pod Ready → virtual pod Ready"),
)


def twins() -> Timeline:
    """Return a timeline of host pods, by the UID of the virtual pod of each."""
    return Timeline(key=virt_uid)


def split(
    sent: Times, answered: Times, uids: Mapping[str, str], virt: Timeline, host: Timeline
) -> dict[str, list[float]]:
    """Return stage → seconds of each pod that became Ready; the stages of a pod add up to it.

    A watch may tell of a host pod before the virtual server's answer has been read: such a stage
    took no time, and the next one begins with the later of both.
    """
    found: dict[str, list[float]] = {name: [] for name, _ in STAGES}
    for name, begin in sent.items():
        uid = uids.get(name, "")
        ends = (
            *(answered.get(name), host.seen.get(uid), host.placed.get(uid)),
            *(host.ready.get(uid), virt.ready.get(name)),
        )
        if any(end is None for end in ends):
            continue
        last = begin
        for (stage, _), end in zip(STAGES, ends, strict=True):
            assert end is not None
            found[stage].append(max(0.0, end - last))
            last = max(last, end)
    return found
