"""Each kind of test program says in its own words how many tests there were."""

from __future__ import annotations

import pytest

from tools.counts import count

NONE = {"passed": 0, "failed": 0, "skipped": 0}


@pytest.mark.parametrize(
    ("kind", "line", "passed", "failed", "skipped"),
    [
        ("pytest", "==== 3 passed, 1 failed, 2 skipped in 0.1s ====\n", 3, 1, 2),
        ("pytest", "==== 3 passed, 2 errors in 0.1s ====\n", 3, 2, 0),
        ("pytest", "3 passed", 0, 0, 0),
        ("go", "    --- PASS: TestX/y (0.00s)\n", 1, 0, 0),
        ("go", "--- FAIL: TestX (0.00s)\n", 0, 1, 0),
        ("go", "--- SKIP: TestX (0.00s)\n", 0, 0, 1),
        ("helm", "Tests:       1 failed, 2 errored, 9 passed, 12 total\n", 9, 3, 0),
        ("helm", "Tests:       9 passed, 9 total\n", 9, 0, 0),
        ("closing", "391 passed, 2 failed, 3 skipped\n", 391, 2, 3),
        ("closing", "391 passed, 0 failed, 3 skipped, 4 known\n", 391, 0, 3),
        ("closing", "12/424 passed in 3s  [sig-node] 1 passed, 2 failed, 3 skipped\n", 0, 0, 0),
        ("ct", 'Upgrade testing for release "x" skipped because of previous revision\n', 0, 0, 1),
        ("ct", 'Skipping upgrade test of "virtualcluster => (…)" because: 0.2.0\n', 0, 0, 1),
        ("ct", 'Testing upgrades of chart "x" relative to previous revision "y"...\n', 0, 0, 0),
        ("one", "3 passed, 1 failed, 2 skipped", 0, 0, 0),
    ],
)
def test_lines(kind: str, line: str, passed: int, failed: int, skipped: int) -> None:
    assert count(kind, line, NONE) == {"passed": passed, "failed": failed, "skipped": skipped}
