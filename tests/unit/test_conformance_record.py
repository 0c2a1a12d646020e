"""What was run stays known: by what it ran against, line by line, also after a kill."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.record import Record
from tests.conformance.report import Result

GOOD = Result("a", "passed", 1.5)
BAD = Result("b", "failed", 2.0, "no", "x.go:1")


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    record = Record(tmp_path / "default", "key")
    record.add(GOOD)
    record.add(BAD)
    assert Record(tmp_path / "default", "key").read() == {"a": GOOD, "b": BAD}


def test_the_last_result_counts(tmp_path: Path) -> None:
    record = Record(tmp_path, "key")
    record.add(Result("b", "passed"))
    record.add(BAD)
    assert record.read() == {"b": BAD}


def test_other_inputs_know_nothing(tmp_path: Path) -> None:
    Record(tmp_path, "key").add(GOOD)
    assert Record(tmp_path, "other").read() == {}


def test_half_a_line_is_no_result(tmp_path: Path) -> None:
    record = Record(tmp_path, "key")
    record.add(GOOD)
    with record.file.open("a") as file:
        file.write('{"name": "b", "sta')
    assert record.read() == {"a": GOOD}


def test_what_is_forgotten_is_missing_and_the_rest_stays(tmp_path: Path) -> None:
    record = Record(tmp_path, "key")
    record.add(GOOD)
    record.add(BAD)
    record.forget(["b", "never run"])
    assert record.read() == {"a": GOOD}


def test_failures_are_found_whatever_they_ran_against(tmp_path: Path) -> None:
    Record(tmp_path, "key").add(BAD)
    Record(tmp_path, "key").add(GOOD)
    assert Record(tmp_path, "newer").failed_last() == ["b"]
    assert Record(tmp_path / "elsewhere", "key").failed_last() == []
