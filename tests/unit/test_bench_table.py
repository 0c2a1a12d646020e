"""What is said of a run: targets, the table, the comparison, the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench import results, rows, table
from tools.bench.errors import BenchError
from tools.bench.results import Results
from tools.bench.rows import TARGETS, Column, Row, Target, Verdict
from tools.bench.stages import STAGES


@pytest.mark.parametrize(
    ("target", "row", "verdict"),
    [
        (Target("ratio", "<=", 3.0), Row("k", "w", ratio=3.0), Verdict.MET),
        (Target("ratio", "<=", 3.0), Row("k", "w", ratio=3.01), Verdict.MISSED),
        (Target("ratio", "<=", 3.0), Row("k", "w", virt=1.0), Verdict.UNKNOWN),
        (Target("ratio", ">=", 0.6), Row("k", "w", ratio=0.6), Verdict.MET),
        (Target("ratio", ">=", 0.6), Row("k", "w", ratio=0.59), Verdict.MISSED),
        (Target("virt", "<", 0.5), Row("k", "w", virt=0.5), Verdict.MISSED),
        (Target("virt", "<=", 0), Row("k", "w", virt=0.0), Verdict.MET),
        (Target("virt", "<=", 0), Row("k", "w", bare=0.0), Verdict.UNKNOWN),
        (Target("more", "<=", 0.06), Row("k", "w", virt=0.55, bare=0.5), Verdict.MET),
        (Target("more", "<=", 0.06), Row("k", "w", virt=0.57, bare=0.5), Verdict.MISSED),
        (Target("more", "<=", 0.06), Row("k", "w", virt=0.55), Verdict.UNKNOWN),
    ],
)
def test_targets(target: Target, row: Row, verdict: Verdict) -> None:
    assert target.verdict(row) is verdict


def test_a_row_of_pairs_has_medians_and_the_median_ratio() -> None:
    """The ratio is not that of the medians: pairs belong together."""
    row = rows.of_pairs("k", "w", "s", [2.0, 30.0, 4.0], [1.0, 10.0, 1.0])
    assert (row.virt, row.bare, row.ratio) == (4.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (0.0512, "0.051"),
        (0.5, "0.500"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    assert table.number(value) == text


def test_the_table_holds_rows_against_targets() -> None:
    lines = table.markdown(
        [
            Row("a", "five pods", "s", 3.0, 1.5, 2.0, "twice"),
            Row("b", "one pod", "s", 0.6, 0.5, 1.2),
            Row("c", "writes", "", 0.0),
        ],
        {"a": Target("ratio", "<=", 1.2), "b": Target("more", "<=", 0.06)},
    ).splitlines()
    assert lines[2:] == [
        "| five pods | 3.00 s | 1.50 s | 2.00 | ratio ≤ 1.20 | missed | twice |",
        "| one pod | 0.600 s | 0.500 s | 1.20 | ≤ bare + 0.060 s | missed |  |",
        "| writes | 0 |  |  |  |  |  |",
    ]
    assert {line.count("|") for line in lines} == {8}


def test_the_comparison_shows_what_both_runs_have() -> None:
    now = [Row("a", "pods", "s", 2.0, 1.0, 2.0), Row("new", "new", "s", 1.0)]
    earlier = {"a": Row("a", "pods", "s", 4.0, 1.0, 4.0), "old": Row("old", "old", "s", 1.0)}
    lines = table.comparison(now, earlier).splitlines()
    assert lines[2:] == ["| pods | 4.00 s | 2.00 s | 0.500 | 4.00 | 2.00 |"]
    assert table.comparison(now, {}) == "Nothing that both runs measured."


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "result.json"
    row = Row("a", "pods", "s", 2.0, 1.0, 2.0, "why")
    written = Results({"commit": "x"}, [row], [{"side": "virt"}], {"rest": "broke"})
    written.write(file)
    read = results.read(file)
    assert read == written
    assert results.by_key(read.rows) == {"a": row}


def test_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text('{"format": 0}')
    with pytest.raises(BenchError, match="not a result"):
        results.read(file)


def test_every_target_is_of_a_figure_and_relation_that_exist() -> None:
    for key, target in TARGETS.items():
        assert target.verdict(Row(key, "w")) is Verdict.UNKNOWN
        assert target.verdict(Row(key, "w", "s", 9e9, 1.0, 9e9)) is not Verdict.UNKNOWN


def test_stages_have_a_table_of_their_own() -> None:
    rows_ = [
        Row("pods/kwok/5/p50", "five pods, p50", "s", 3.0, 1.5, 2.0),
        *(
            Row(f"pods/kwok/5/{name}", f"five pods, stage {name} p50", "s", 1.0)
            for name, _ in STAGES
        ),
        Row("pods/kwok/9/up", "nine pods, stage up p50", "s", 2.0),
    ]
    assert "stage" not in table.markdown(rows_)
    assert table.stages(rows_).splitlines()[2:] == [
        "| five pods | 1.00 s | 1.00 s | 1.00 s | 1.00 s | 1.00 s |",
        "| nine pods |  |  |  |  | 2.00 s |",
    ]
    assert table.stages(rows_[:1]) == ""


def test_what_objects_cost_has_a_table_of_its_own() -> None:
    found = [
        Row("rest/rss", "rest: memory", "MiB", 57.0),
        Row("model/pod/50/TO_HOST", "x", "", 4.0),
        Row("model/pod/50/CPU_ALL", "x", "ms", 90.0, 40.0, 2.25),
        Row("model/Service/50/CPU", "x", "ms", 3.0),
    ]
    assert "model" not in table.markdown(found)
    heads, _, pod, service = table.model(found).splitlines()
    assert heads.count("|") == pod.count("|") == len(Column) + 2
    assert pod == "| pod, of 50 | 4.00 |  |  |  |  | 90.0 ms (40.0 ms) |  |"
    assert service == "| Service, of 50 |  |  |  |  | 3.00 ms |  |  |"
    assert table.model(found[:1]) == ""
