"""Figures of figures."""

from __future__ import annotations

import pytest

from tools.bench import stats


@pytest.mark.parametrize(
    ("values", "percent", "is_"),
    [
        ([5.0], 50, 5.0),
        ([5.0], 99, 5.0),
        ([1.0, 2.0], 50, 1.5),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([0.0, 10.0], 90, 9.0),
        ([float(n) for n in range(101)], 99, 99.0),
        ([1.0, 2.0, 3.0, 4.0], 0, 1.0),
        ([1.0, 2.0, 3.0, 4.0], 100, 4.0),
    ],
)
def test_percentiles(values: list[float], percent: float, is_: float) -> None:
    assert stats.percentile(values, percent) == pytest.approx(is_)


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        stats.percentile([], 50)


@pytest.mark.parametrize(
    ("values", "is_"),
    [([], None), ([None], None), ([2.0], 2.0), ([1.0, None, 3.0], 2.0), ([9.0, 1.0, 2.0], 2.0)],
)
def test_medians(values: list[float | None], is_: float | None) -> None:
    assert stats.median(values) == is_


@pytest.mark.parametrize(
    ("virt", "bare", "is_"),
    [(3.0, 2.0, 1.5), (3.0, 0.0, None), (None, 2.0, None), (3.0, None, None), (0.0, 2.0, 0.0)],
)
def test_ratios(virt: float | None, bare: float | None, is_: float | None) -> None:
    assert stats.ratio(virt, bare) == is_


def test_ratios_are_of_pairs() -> None:
    """A machine that slows down between two pairs changes no ratio."""
    assert stats.paired([2.0, 20.0, 4.0], [1.0, 10.0, 2.0]) == [2.0, 2.0, 2.0]
    assert stats.paired([2.0, 3.0], [0.0, 3.0]) == [1.0]


@pytest.mark.parametrize(
    ("sent", "done", "is_"),
    [([0.0, 1.0], [3.0, 4.0], 0.5), ([10.0], [10.5], 2.0), ([1.0], [1.0], float("inf"))],
)
def test_rates_are_from_the_first_request_to_the_last_end(
    sent: list[float], done: list[float], is_: float
) -> None:
    assert stats.per_second(sent, done) == is_


def test_curves_end_at_all() -> None:
    assert stats.steps([3.0, 1.0]) == ([1.0, 3.0], [0.5, 1.0])
