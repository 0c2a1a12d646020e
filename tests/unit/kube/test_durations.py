"""Counts of durations: each is in the bucket of its bound, and buckets add up."""

from __future__ import annotations

import pytest

from syncer.kube.durations import Durations


@pytest.mark.parametrize(
    ("seconds", "buckets"),
    [
        ((), [("0.1", 0), ("1.0", 0), ("+Inf", 0)]),
        ((0.0,), [("0.1", 1), ("1.0", 1), ("+Inf", 1)]),
        ((0.1,), [("0.1", 1), ("1.0", 1), ("+Inf", 1)]),
        ((0.11,), [("0.1", 0), ("1.0", 1), ("+Inf", 1)]),
        ((1.0, 1.1), [("0.1", 0), ("1.0", 1), ("+Inf", 2)]),
        ((0.05, 0.5, 5.0, 50.0), [("0.1", 1), ("1.0", 2), ("+Inf", 4)]),
    ],
)
def test_buckets_hold_what_took_at_most_their_bound(
    seconds: tuple[float, ...], buckets: list[tuple[str, int]]
) -> None:
    durations = Durations((0.1, 1.0))
    for each in seconds:
        durations.observe(each)
    assert list(durations.buckets()) == buckets
    assert durations.total == sum(seconds)
