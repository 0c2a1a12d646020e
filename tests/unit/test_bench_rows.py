"""What rows a burst and its cost become."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from tools.bench import context, cost
from tools.bench.burst import Burst
from tools.bench.context import Context
from tools.bench.cost import Cost
from tools.bench.results import Results
from tools.bench.rows import Row
from tools.bench.scenarios import pods
from tools.bench.scrape import Syncer, Usage
from tools.bench.workloads import KWOK, REAL


@pytest.fixture
def run_of(tmp_path: Path) -> Context:
    """A run whose installation nobody asks for."""
    return Context(cast("Any", None), Results(), print, tmp_path)


def burst(side: str, *seconds: float, lost: int = 0, gone: float = 1.0) -> Burst:
    done = Burst(side, len(seconds) + lost)
    for number, each in enumerate(seconds):
        done.sent[str(number)] = 10.0
        done.timeline.ready[str(number)] = 10.0 + each
    for number in range(lost):
        done.sent[f"lost-{number}"] = 10.0
    done.gone_after = gone
    return done


def by_key(rows: list[Row]) -> dict[str, tuple[float | None, float | None, float | None]]:
    return {row.key: (row.virt, row.bare, row.ratio) for row in rows}


def test_bursts_become_medians_of_pairs(run_of: Context) -> None:
    pairs = [
        (burst("virt", 2.0, 2.0), burst("bare", 1.0, 1.0)),
        (burst("virt", 8.0, 8.0, gone=4.0), burst("bare", 2.0, 2.0)),
        (burst("virt", 6.0, 6.0), burst("bare", 2.0, 2.0)),
    ]
    pods.rows(run_of, "pods", KWOK, 2, pairs)
    found = by_key(run_of.results.rows)
    assert found["pods/kwok/2/p50"] == (6.0, 2.0, 3.0)
    assert found["pods/kwok/2/rate"] == (2 / 6, 1.0, (2 / 6) / (2 / 2))
    assert found["pods/kwok/2/gone"] == (1.0, 1.0, 1.0)
    assert found["pods/kwok/2/lost"] == (0.0, 0.0, None)


def test_what_is_lost_is_counted_and_not_timed(run_of: Context) -> None:
    pairs = [
        (burst("virt", 2.0, lost=1), burst("bare", 1.0, 1.0)),
        (burst("virt", lost=2), burst("bare", 9.0, 9.0)),
    ]
    pods.rows(run_of, "pods", KWOK, 2, pairs)
    found = by_key(run_of.results.rows)
    assert found["pods/kwok/2/lost"] == (3.0, 0.0, None)
    assert found["pods/kwok/2/p50"] == (2.0, 1.0, 2.0)


def test_one_pod_has_no_percentiles_but_its_time(run_of: Context) -> None:
    pods.rows(run_of, "pods", KWOK, 1, [(burst("virt", 2.0), burst("bare", 1.0))])
    assert [row.key for row in run_of.results.rows] == ["pods/kwok/1/p50", "pods/kwok/1/lost"]


def test_stages_of_all_repeats_are_one(run_of: Context) -> None:
    virt = [burst("virt", 2.0), burst("virt", 4.0)]
    for each, seconds in zip(virt, (1.0, 3.0), strict=True):
        each.stages = {"down": [seconds], "up": []}
    pods.rows(run_of, "pods", KWOK, 1, [(each, burst("bare", 1.0)) for each in virt])
    found = by_key(run_of.results.rows)
    assert found["pods/kwok/1/down"] == (2.0, None, None)
    assert "pods/kwok/1/up" not in found


def usage(cpu: float, resident: float, host: int, virt: int) -> Usage:
    ours = Syncer(True, 0, cpu, resident, 0.0, _made(host), _made(virt))  # noqa: FBT003
    return Usage(ours, _made(10 * host), _made(10 * virt))


def _made(count: int) -> Counter[tuple[str, str]]:
    return Counter({("POST", "pods"): count, ("GET", "pods"): count})


def test_costs_are_of_one_pod(run_of: Context) -> None:
    """Memory counts from rest, which was measured before anything else."""
    run_of.resting_bytes.append(1_000_000.0)
    virt = Cost(
        *(usage(1.0, 5e6, 0, 0), usage(2.0, 9e6, 50, 100), 3_000_000.0),
        {"pod syncer": 1.0, "host kine": 0.5, "others": 9.0},
    )
    bare = Cost(usage(0, 0, 0, 0), usage(0, 0, 25, 0), 0.0, {"host kine": 0.5})
    cost.rows(run_of, 100, virt, bare)
    assert by_key(run_of.results.rows) == {
        "cost/cpu": (10.0, None, None),
        "cost/memory": (20.0, None, None),
        "cost/host": (1.0, None, None),
        "cost/host-writes": (0.5, None, None),
        "cost/virt": (2.0, None, None),
        "cost/virt-writes": (1.0, None, None),
        "cost/virt-all": (20.0, None, None),
        "cost/host-all": (10.0, 5.0, 2.0),
        "cost/cpu-all": (15.0, 5.0, 3.0),
    }


def test_a_run_is_ended_tidily_by_sigterm() -> None:
    """What a scenario made is removed by its own blocks, and then the program ends."""
    tidied: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            tidied.append("yes")

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit, match="143"):
            context.run(work)
        with pytest.raises(SystemExit, match="143"):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert tidied == ["yes"]


@pytest.mark.parametrize(
    ("small", "repeats", "wanted", "times"),
    [(False, 5, 5, 5), (False, 5, 2, 2), (False, 3, 5, 3), (True, 5, 5, 1)],
)
def test_repeats(run_of: Context, *, small: bool, repeats: int, wanted: int, times: int) -> None:
    run_of.small, run_of.repeats = small, repeats
    assert run_of.times(wanted) == times


@pytest.mark.parametrize(
    ("asked", "small", "nodes", "expected"),
    [
        ((), True, KWOK, pods.SMALL[KWOK]),
        ((), False, KWOK, pods.SIZES[KWOK]),
        ((500, 50), False, KWOK, {50: 5, 500: 3}),
        ((100,), False, KWOK, {100: 3}),
        ((), False, REAL, pods.SIZES[REAL]),
        ((500, 50, 20), False, REAL, {20: 5, 50: 3}),
        ((500,), False, REAL, {}),
    ],
)
def test_sizes(
    run_of: Context, *, asked: tuple[int, ...], small: bool, nodes: str, expected: dict[int, int]
) -> None:
    run_of.sizes, run_of.small = asked, small
    assert pods.sizes(run_of, nodes) == expected


def test_memory_above_rest_is_not_told_when_rest_is_not_known(run_of: Context) -> None:
    idle = Cost(usage(0, 5e6, 0, 0), usage(0, 5e6, 0, 0), 9e6, {})
    cost.rows(run_of, 100, idle, idle)
    assert "cost/memory" not in by_key(run_of.results.rows)
