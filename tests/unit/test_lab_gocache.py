"""What Go remembers of builds: the oldest goes first, nothing that may be in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.gocache import IDLE, trim

NOW = 1_000_000_000.0
OLD, OLDER, FRESH = IDLE + 10, IDLE + 20, IDLE - 10


def entry(root: Path, name: str, age: float, size: int = 10) -> None:
    path = root / name[:2] / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - age, NOW - age))


@pytest.mark.parametrize(
    ("most", "ages", "left"),
    [
        (30, {"aa1-d": OLD, "bb2-d": OLDER, "cc3-a": FRESH}, {"aa1-d", "bb2-d", "cc3-a"}),
        (20, {"aa1-d": OLD, "bb2-d": OLDER, "cc3-a": FRESH}, {"aa1-d", "cc3-a"}),
        (0, {"aa1-d": OLD, "bb2-d": OLDER, "cc3-a": FRESH}, {"cc3-a"}),
        (0, {"aa1-d": FRESH, "ab2-d": FRESH}, {"aa1-d", "ab2-d"}),
        (0, {}, set()),
    ],
    ids=["fits", "oldest-first", "never-what-is-fresh", "all-fresh", "empty"],
)
def test_what_is_left(tmp_path: Path, most: int, ages: dict[str, float], left: set[str]) -> None:
    for name, age in ages.items():
        entry(tmp_path, name, age)
    gone = trim(tmp_path, most, NOW)
    assert {path.name for path in tmp_path.glob("*/*")} == left
    assert gone == 10 * (len(ages) - len(left))


def test_go_s_own_notes_stay(tmp_path: Path) -> None:
    (tmp_path / "trim.txt").write_text("1")
    (tmp_path / "README").write_text("of Go")
    trim(tmp_path, 0, NOW)
    assert {path.name for path in tmp_path.iterdir()} == {"trim.txt", "README"}
