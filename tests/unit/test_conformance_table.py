"""A table says of each spec what it came to, and the closing line adds up."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lab.errors import LabError
from tests.conformance import known, table
from tests.conformance.report import Result
from tests.conformance.specs import Spec
from tests.conformance.table import Verdict

SPEC = Spec("[sig-node] Pods should | run [Conformance]", "common/node/pods.go")
PASSED = Result(SPEC.name, "passed", 3.0)
FAILED = Result(SPEC.name, "failed", 4.0, "no \x1b[1mpod", "x.go:1")
SKIPPED = Result(SPEC.name, "skipped", 0.0, "needs 3 nodes")


@pytest.mark.parametrize(
    ("result", "reason", "verdict", "line", "good"),
    [
        (PASSED, None, Verdict.PASSED, "1 passed, 0 failed, 0 skipped", True),
        (FAILED, None, Verdict.FAILED, "0 passed, 1 failed, 0 skipped", False),
        (SKIPPED, None, Verdict.SKIPPED, "0 passed, 0 failed, 1 skipped", True),
        (None, None, Verdict.MISSING, "0 passed, 1 failed, 0 skipped", False),
        (PASSED, "why", Verdict.STALE, "0 passed, 1 failed, 0 skipped", False),
        (FAILED, "why", Verdict.KNOWN, "0 passed, 0 failed, 0 skipped, 1 known", True),
        (SKIPPED, "why", Verdict.SKIPPED, "0 passed, 0 failed, 1 skipped", True),
    ],
)
def test_verdicts(
    result: Result | None, reason: str | None, verdict: Verdict, line: str, *, good: bool
) -> None:
    results = {} if result is None else {SPEC.name: result}
    rows = table.rows([SPEC], results, {} if reason is None else {SPEC.name: reason})
    assert [row.verdict for row in rows] == [verdict]
    assert table.closing(rows) == line
    assert table.good(rows) is good


def test_what_needs_attention_comes_first() -> None:
    specs = [Spec(name, "x.go") for name in ("a", "b", "c")]
    results = {"a": Result("a", "passed"), "b": Result("b", "skipped"), "c": Result("c", "failed")}
    assert [row.spec.name for row in table.rows(specs, results, {})] == ["c", "b", "a"]


def test_both_forms_tell_the_failure(tmp_path: Path) -> None:
    rows = table.rows([SPEC], {SPEC.name: FAILED}, {})
    table.write(tmp_path / "default", "title", rows)
    text = (tmp_path / "default" / "table.md").read_text()
    assert "| failed | 4 | [sig-node] Pods should \\| run [Conformance] |" in text
    suite = ET.parse(tmp_path / "default" / "junit.xml").getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "no [1mpod (x.go:1)"


ENTRY = """
- spec: "[sig-node] Pods should | run [Conformance]"
  profiles: [{profile}]
  reason: |
    a node
    is missing
"""


def test_known_failures_are_of_their_profiles(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(ENTRY.format(profile="default"))
    assert known.of_profile("default", [SPEC], file) == {SPEC.name: "a node is missing"}
    assert known.of_profile("cluster", [SPEC], file) == {}


@pytest.mark.parametrize(
    ("profile", "specs", "error"),
    [("default", [], "no such spec"), ("defualt", [SPEC], "no such profile: defualt")],
)
def test_entries_about_nothing_are_refused(
    tmp_path: Path, profile: str, specs: list[Spec], error: str
) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(ENTRY.format(profile=profile))
    with pytest.raises(LabError, match=error):
        known.of_profile("default", specs, file)
