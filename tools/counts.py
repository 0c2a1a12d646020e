"""Reads from a test program's output how many tests passed, failed and were skipped."""

from __future__ import annotations

import re

COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|deselected)")
HELM_UNITTEST = re.compile(r"^Tests:\s+(?:(\d+) failed, )?(?:(\d+) errored, )?(\d+) passed")
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped(?:, \d+ known)?$")
CHART_TESTING = re.compile(r"^Upgrade testing for release .* skipped|^Skipping upgrade test of ")
GO_TEST = re.compile(r"^\s*--- (PASS|FAIL|SKIP): ")


def count(kind: str, line: str, before: dict[str, int]) -> dict[str, int]:
    """Return the counts after one more line of output."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    if kind == "go" and (found := GO_TEST.match(plain)):
        name = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}[found[1]]
        return {**before, name: before[name] + 1}
    if kind == "ct" and CHART_TESTING.match(plain):
        return {**before, "skipped": before["skipped"] + 1}
    if kind == "closing" and (found := CLOSING.match(plain)):
        names = ("passed", "failed", "skipped")
        return dict(zip(names, map(int, found.groups()), strict=True))
    if kind == "helm" and (found := HELM_UNITTEST.match(plain)):
        return {
            "passed": int(found[3]),
            "failed": int(found[1] or 0) + int(found[2] or 0),
            "skipped": 0,
        }
    if kind == "pytest" and plain.startswith("=") and " in " in plain:
        found_counts = {name: int(number) for number, name in COUNT.findall(plain)}
        if found_counts:
            errors = found_counts.get("error", 0) + found_counts.get("errors", 0)
            return {
                "passed": found_counts.get("passed", 0),
                "failed": found_counts.get("failed", 0) + errors,
                "skipped": found_counts.get("skipped", 0),
            }
    return before
