"""The fault suite's own parts: what a request is about, what a rule hits, what the table says."""

from __future__ import annotations

import itertools

import pytest

from tests.faults import cases, lanes, onlab, table
from tests.faults.case import Result
from tests.faults.injections import Injection
from tests.faults.oracle import State
from tests.faults.reference import Point, Reference, label
from tests.faults.run import Choice
from tests.faults.wire import Asked, read, writes
from tests.faults.workload import PHASES

LISTED = "/api/v1/namespaces/team-x/pods"


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "told"),
    [
        ("GET", LISTED, {}, None, Asked("host", "list", "pods", "team-x", "")),
        ("GET", LISTED, {"watch": "1"}, None, Asked("host", "watch", "pods", "team-x", "")),
        ("GET", f"{LISTED}/a", {}, None, Asked("host", "get", "pods", "team-x", "a")),
        (
            "POST",
            LISTED,
            {},
            {"metadata": {"name": "a"}},
            Asked("host", "create", "pods", "team-x", "a"),
        ),
        (
            "PATCH",
            f"{LISTED}/a/status",
            {},
            {},
            Asked("host", "patch", "pods/status", "team-x", "a"),
        ),
        (
            "DELETE",
            "/apis/networking.k8s.io/v1/namespaces/team-x/ingresses/a",
            {},
            {},
            Asked("host", "delete", "ingresses", "team-x", "a"),
        ),
        ("GET", "/api/v1/nodes/n", {}, None, Asked("host", "get", "nodes", "", "n")),
        ("GET", "/api/v1/namespaces/n", {}, None, Asked("host", "get", "namespaces", "", "n")),
        ("GET", "/version", {}, None, Asked("host", "list", "", "", "")),
    ],
)
def test_what_is_asked(
    method: str, path: str, query: dict[str, str], body: object, told: Asked
) -> None:
    assert read("host", method, path, query, body) == told


@pytest.mark.parametrize(
    ("verb", "resource", "counts"),
    [
        ("create", "pods", True),
        ("patch", "pods/status", True),
        ("delete", "secrets", True),
        ("create", "pods/binding", True),
        ("list", "pods", False),
        ("watch", "pods", False),
        ("create", "serviceaccounts/token", False),
        ("create", "selfsubjectrulesreviews", False),
    ],
)
def test_what_is_a_write(verb: str, resource: str, counts: bool) -> None:  # noqa: FBT001
    assert writes(Asked("host", verb, resource, "", "")) is counts


def test_a_rule_hits_as_often_as_it_may() -> None:
    rule = Injection(match=writes, times=2)
    write, read_ = Asked("host", "create", "pods", "", ""), Asked("host", "get", "pods", "", "")
    assert rule.takes(write)
    assert not rule.takes(read_)
    rule.hits = 2
    assert not rule.takes(write)


def test_a_rule_hits_its_share() -> None:
    rule = Injection(share=0.3)
    hit = sum(rule.takes(Asked("host", "get", "pods", "", "")) for _ in range(1000))
    assert 250 < hit < 350


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("web-x-case-0001-x-vc", "web-x-<ns>-x-vc"),
        ("web-54bd4bdcb9-2grkj-x-case-0001-x-vc", "web-54bd4bdcb9-<>-x-<ns>-x-vc"),
        ("bare-77e2d7dec610a8968546859cc72e9fe0", "bare-<>"),
        ("pv-d814a390-88d4-4382-bd3d-84f10fc25e87", "pv-<>"),
        ("node-2", "<>"),
    ],
)
def test_a_write_is_called_alike_in_all_runs(name: str, called: str) -> None:
    asked = Asked("host", "create", "pods", "team-x", name)
    assert label(asked, "case-0001")[3] == called


def reference() -> Reference:
    points = [Point("host", "create", "pods", f"p-{number}", 1) for number in range(9)]
    states: dict[str, State] = {name: {} for name in PHASES}
    return Reference(states, dict.fromkeys(PHASES, points))


def test_cases_have_names_of_their_own_and_rows() -> None:
    found = list(cases.found(reference(), fast=False))
    names = [each.id for each in found]
    assert len(names) == len(set(names))
    assert {each.row[0] for each in found} == {"R"}
    assert any(each.fast for each in found)


def test_every_row_of_the_threat_list_is_played_somewhere() -> None:
    rows = {each.row for each in cases.found(reference(), fast=False)}
    rows |= {each.row for each in onlab.ROWS}
    # R2, kill between delete and create, is among the points of R1.
    assert {f"R{number}" for number in range(1, 31)} - rows == {"R2"}


@pytest.mark.parametrize(
    ("only", "stages"),
    [
        ((), ["kills", "waits", "others"]),
        (("R1-before-00",), ["kills"]),
        (("R25", "R5-host", "R25-jobs"), ["others", "waits"]),
        (("R20",), []),
        (("R20", "R3"), ["kills"]),
    ],
)
def test_stages_that_are_needed(only: tuple[str, ...], stages: list[str]) -> None:
    assert lanes.chosen(only) == stages


def test_a_stage_plays_its_own_rows_and_every_case_has_one() -> None:
    found = list(cases.found(reference(), fast=False))
    shares = [
        [each.id for each in found if Choice(lane=lane).takes(each)] for lane in lanes.chosen(())
    ]
    assert sorted(itertools.chain(*shares)) == sorted(each.id for each in found)


def test_every_write_is_a_point_before_and_after() -> None:
    whole = [each for each in cases.found(reference(), fast=False) if each.row == "R1"]
    assert len(whole) == 2 * 9
    some = [each for each in cases.found(reference(), fast=True) if each.row == "R1"]
    assert 0 < len(some) < len(whole)


def test_the_table_counts() -> None:
    results = [
        Result("R2-a", "R2", "one", injected=2, seconds=[1.0, 3.0]),
        Result("R2-b", "R2", "one", injected=1, lost=1, problem="it | broke"),
        Result("R10-a", "R10", "two", injected=1, seconds=[2.0]),
    ]
    lines = table.markdown(results).splitlines()
    assert lines[2] == "| R2 | one | 2 | 3 | 2.0 s | 3.0 s | 1 | 0 | 0 | NOT HELD: 1 |"
    assert lines[3] == "| R10 | two | 1 | 1 | 2.0 s | 2.0 s | 0 | 0 | 0 | held |"
    assert "| R2-b | it \\| broke |" in lines
    assert table.closing(results) == ["2 passed, 1 failed, 0 skipped", "3 cases, 1 failed"]
    assert "NOT HELD" in table.terminal(results)
