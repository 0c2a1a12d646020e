"""What becomes of the findings of an audit, and of a service that says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import LabError
from lab.paths import REPO
from tools.audit import advisories, cli, code, findings, workflows
from tools.audit.findings import Exempt, Finding, Looked, exceptions, judge

BAD = Finding("B104", "syncer/app/run.py", "binds to all")
FITS = Exempt("B104", "syncer/*", "because")


@pytest.mark.parametrize(
    ("exempt", "failures", "excused"),
    [
        ([], ["B104 syncer/app/run.py: binds to all"], 0),
        ([FITS], [], 1),
        ([Exempt("B104", "syncer/app/run.py", "because")], [], 1),
        ([Exempt("B105", "syncer/*", "x")], ["binds to all", "B105 syncer/*: the exception"], 0),
        ([Exempt("B104", "cli/*", "x")], ["binds to all", "B104 cli/*: the exception"], 0),
        ([FITS, Exempt("B104", "cli/*", "x")], ["B104 cli/*: the exception matches nothing"], 1),
        ([FITS, Exempt("B104", "syncer/app/run.py", "too")], [], 1),
    ],
)
def test_a_finding_is_excused_or_fails_and_so_does_an_exception_of_no_use(
    exempt: list[Exempt], failures: list[str], excused: int
) -> None:
    verdict = judge(Looked("code", 1, [BAD]), exempt)
    assert len(verdict.failures) == len(failures)
    assert all(said in told for told, said in zip(verdict.failures, failures, strict=True))
    assert len(verdict.excused) == excused


def test_an_exception_is_not_useless_because_nobody_answered() -> None:
    verdict = judge(Looked("advisories", unanswered=["aiohttp"]), [Exempt("CVE-1", "aiohttp", "x")])
    assert verdict.failures == []


@pytest.mark.parametrize(
    "row",
    [
        "{check: B1, where: x}",
        "{check: B1, where: x, reason: ''}",
        "{check: B1, where: x, reason: ' '}",
        "{check: B1, where: x, reason: y, until: z}",
    ],
)
def test_an_exception_without_a_reason_is_none(row: str) -> None:
    with pytest.raises(LabError, match="must have a check, a where and a reason"):
        exceptions(f"code: [{row}]")


def test_the_list_is_whole_and_speaks_of_parts_that_there_are() -> None:
    found = exceptions(findings.FILE.read_text())
    assert set(found) <= set(cli.PARTS)
    for rows in found.values():
        assert len({(row.check, row.where) for row in rows}) == len(rows)


KNOWN: dict[str, Any] = {"name": "old", "version": "1", "vulns": [{"id": "P-1"}]}
FINE: dict[str, Any] = {"name": "aiohttp", "version": "3", "vulns": []}
HURT: dict[str, Any] = {
    "name": "aiohttp",
    "version": "3",
    "vulns": [{"id": "P-2", "fix_versions": ["4"]}, {"id": "P-3", "fix_versions": []}],
}
LEFT_OUT = {"name": "aiohttp", "skip_reason": "not on PyPI"}


@pytest.mark.parametrize(
    ("answer", "good", "found", "unanswered"),
    [
        ([KNOWN, FINE], 1, [], 0),
        ([KNOWN, HURT], 0, ["P-2", "P-3"], 0),
        ([KNOWN, LEFT_OUT], 0, ["not-found"], 0),
        ([KNOWN], 0, ["not-found"], 0),
        ([FINE], 0, [], 1),
        ([{**KNOWN, "vulns": []}, FINE], 0, [], 1),
        ([{"name": "old", "skip_reason": "?"}, FINE], 0, [], 1),
        ([{"name": "old", "skip_reason": "?"}, LEFT_OUT], 0, [], 1),
        ([], 0, [], 1),
    ],
)
def test_a_service_that_does_not_know_what_all_know_has_not_answered(
    answer: list[dict[str, Any]], good: int, found: list[str], unanswered: int
) -> None:
    looked = advisories.read(answer, ["aiohttp"], "old")
    assert looked.good == good
    assert [each.check for each in looked.findings] == found
    assert len(looked.unanswered) == unanswered


def test_every_dependency_of_the_image_is_asked_for() -> None:
    names = advisories.names(advisories.LOCK.read_text())
    assert {"aiohttp", "cryptography", "uvloop"} <= set(names)
    assert len(names) == advisories.LOCK.read_text().count("==")


def test_what_bandit_says_is_told_by_file_and_files_without_are_good() -> None:
    result = {
        "filename": "./syncer/app/run.py",
        "line_number": 7,
        "issue_text": "binds",
        "test_id": "B104",
    }
    metrics: dict[str, Any] = {"./syncer/app/run.py": {}, "./syncer/log.py": {}, "_totals": {}}
    looked = code.read({"errors": [], "results": [result], "metrics": metrics})
    assert looked.findings == [Finding("B104", "syncer/app/run.py", "line 7: binds")]
    assert looked.good == 1
    with pytest.raises(LabError, match="could not read"):
        code.read({"errors": ["x"], "results": [], "metrics": {}})


def test_what_zizmor_says_is_told_by_file() -> None:
    def place(kind: str, file: str) -> dict[str, Any]:
        symbolic = {"kind": kind, "key": {"Local": {"verbatim_path": file}}}
        return {"symbolic": symbolic, "concrete": {"location": {"start_point": {"row": 4}}}}

    path = f"{REPO}/.github/workflows/ci.yaml"
    places = [place("Related", "other.yaml"), place("Primary", path)]
    found = workflows.read([{"ident": "artipacked", "desc": "keeps", "locations": places}])
    assert found == [Finding("artipacked", ".github/workflows/ci.yaml", "line 5: keeps")]
