"""What watches tell is noted once, and a virtual pod's time is split without a gap."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.e2e.release import UID
from tools.bench.scenarios import services
from tools.bench.stages import STAGES, split, twins
from tools.bench.timeline import Timeline


def pod(name: str = "a", *, node: str = "", ready: bool = False, **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, **meta},
        "spec": {"nodeName": node} if node else {},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def line(kind: str, obj: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "object": obj})


def test_each_step_is_noted_when_it_is_seen_first() -> None:
    seen = Timeline()
    for at, each in enumerate(
        [
            line("ADDED", pod()),
            b"",
            line("BOOKMARK", {"metadata": {"resourceVersion": "1"}}),
            line("MODIFIED", pod(node="n")),
            line("MODIFIED", pod(node="n", ready=True)),
            line("MODIFIED", pod(node="n", ready=True)),
            line("MODIFIED", pod(node="n", ready=False)),
            line("DELETED", pod(node="n")),
        ]
    ):
        seen.line(float(at), each)
    assert (seen.seen, seen.placed, seen.ready, seen.gone) == (
        *({"a": 0.0}, {"a": 3.0}),
        *({"a": 4.0}, {"a": 7.0}),
    )


def test_a_pod_that_ends_does_not_become_ready() -> None:
    seen = Timeline()
    seen.line(0.0, line("ADDED", pod(ready=True, deletionTimestamp="2026-01-01T00:00:00Z")))
    assert not seen.ready


def test_the_end_of_a_watch_is_no_event() -> None:
    with pytest.raises(ValueError, match="too old"):
        Timeline().line(0.0, line("ERROR", {"message": "too old resource version"}))


def test_addresses_count_once_one_of_them_is_ready() -> None:
    """A slice without addresses leads nowhere; a host's has the name of the host's Service."""
    seen = services.addresses("-x-bench-x-vc")
    meta = {"name": "s-1", "labels": {services.OF: "web-x-bench-x-vc"}}
    for at, ready in enumerate((None, False, True)):
        piece: dict[str, Any] = {"metadata": meta, "endpoints": [{"conditions": {"ready": ready}}]}
        seen.event(float(at), "MODIFIED", piece if at else {"metadata": meta, "endpoints": None})
    assert seen.ready == {"web": 2.0}


def host_at(*, seen: float, placed: float, ready: float) -> Timeline:
    host = twins()
    mark: dict[str, Any] = {"annotations": {UID: "u1"}}
    host.event(seen, "ADDED", pod("a-x", **mark))
    host.event(placed, "MODIFIED", pod("a-x", node="n", **mark))
    host.event(ready, "MODIFIED", pod("a-x", node="n", ready=True, **mark))
    return host


@pytest.mark.parametrize(
    ("answered", "host", "expected"),
    [
        (1.0, host_at(seen=2.0, placed=4.0, ready=7.0), (1.0, 1.0, 2.0, 3.0, 4.0)),
        # The host's pod was seen before the answer was read: no time for that stage.
        (3.0, host_at(seen=2.0, placed=4.0, ready=7.0), (3.0, 0.0, 1.0, 3.0, 4.0)),
    ],
)
def test_stages_add_up(answered: float, host: Timeline, expected: tuple[float, ...]) -> None:
    virt = Timeline()
    virt.event(11.0, "MODIFIED", pod(ready=True))
    found = split({"a": 0.0}, {"a": answered}, {"a": "u1"}, virt, host)
    assert tuple(found[name][0] for name, _ in STAGES) == expected
    assert sum(each[0] for each in found.values()) == 11.0


def test_a_pod_that_never_got_there_has_no_stages() -> None:
    host = host_at(seen=2.0, placed=4.0, ready=7.0)
    found = split({"a": 0.0, "b": 0.0}, {"a": 1.0}, {"a": "u1"}, Timeline(), host)
    assert found == {name: [] for name, _ in STAGES}
