"""The cases of `scripts/test escapes` themselves: whole, and able to fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.audit import Request
from tests.e2e.cluster import Obj
from tests.escapes import controls, known, policy, table
from tests.escapes.case import Result, Want, filled, placed
from tests.escapes.cases import CASES
from tests.escapes.controls import Removed
from tests.escapes.form import same
from tests.escapes.probes import PROBES
from tests.escapes.probes.platform import allows
from tests.escapes.shim.unguarded.registry import GUARDS, Guard, Patch, place
from tools.counts import count

IDS = [each.id for each in CASES] + [each.id for each in PROBES]
ROWS = [
    *(f"A{n}" for n in range(1, 13)),
    *(f"B{n}" for n in range(1, 8)),
    *(f"C{n}" for n in range(1, 10)),
    *(f"D{n}" for n in range(1, 7)),
    *(f"E{n}" for n in range(1, 9)),
    *(f"F{n}" for n in range(1, 6)),
    *(f"G{n}" for n in range(1, 8)),
    *(f"H{n}" for n in range(1, 8)),
    *("I1", "I2", "J1", "J2"),
]
GUARD_LIST = controls.guards()


def test_there_are_at_least_200_cases_of_different_names() -> None:
    assert len(set(IDS)) == len(IDS) >= 200


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    assert {each.partition("-")[0] for each in IDS} == set(ROWS)


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.id)
def test_every_case_has_a_twin_that_is_allowed(case: object) -> None:
    found = next(each for each in CASES if each is case)
    assert found.send
    assert found.allowed


def test_no_form_leaves_a_word_unfilled() -> None:
    facts = dict.fromkeys(
        ("rel", "host", "victim", "foreign", "node", "nodeip", "planeip", "ownip", "data", "ns"),
        "f",
    ) | {"num": "1"}
    for case in CASES:
        made, bad, good = placed(case, facts, 1)
        text = str([made.send, made.allowed, made.foreign, made.then, made.early])
        assert not re.search(r"@(?!kubernetescrd)[a-z]+", text), case.id
        assert bad["name"] != good["name"]


def test_longer_words_are_filled_in_first() -> None:
    assert filled({"a": ["@nodeip @node"]}, {"node": "n", "nodeip": "i"}) == {"a": ["i n"]}


# --- guards


@pytest.mark.parametrize("guard", GUARD_LIST, ids=lambda each: each.name)
def test_every_guard_is_watched_by_cases(guard: Guard) -> None:
    for prefix in guard.cases:
        assert [each for each in IDS if each.startswith(prefix)], prefix


@pytest.mark.parametrize("guard", GUARD_LIST, ids=lambda each: each.name)
def test_a_guard_that_is_put_back_is_as_it_was(guard: Guard) -> None:
    before = _state()
    patch = Patch()
    guard.out(patch)
    assert _state() != before, "nothing was taken out"
    patch.restore()
    assert _state() == before


def _state() -> dict[str, object]:
    """Return all attributes and tables that guards touch, by what the registry knows of places."""
    found: dict[str, object] = {}
    for dotted in PLACES:
        owner, name = place(dotted)
        value = owner.__dict__[name]
        found[dotted] = dict(value) if isinstance(value, dict) else value
    return found


PLACES = sorted(
    set(
        re.findall(
            r'"(syncer\.[A-Za-z_.]+)"',
            "".join(
                file.read_text() for file in (Path(controls.SOURCE) / "unguarded").glob("*.py")
            ),
        )
    )
    | {
        f"syncer.translate.{table}"
        for table in (
            "volumes.VOLUME",
            "pods.POD_SPEC",
            "services.SERVICE_SPEC",
            "persistentvolumeclaims.CLAIM_SPEC",
            "ingresses.INGRESS_SPEC",
        )
    }
)


def test_guards_are_many() -> None:
    assert len(GUARDS) >= 40


# --- verdicts


def _object(**more: Obj) -> Obj:
    return {
        "kind": "Service",
        "metadata": {"name": "s", "uid": "u", "resourceVersion": "1"},
        **more,
    }


@pytest.mark.parametrize(
    ("after", "is_same"),
    [
        (_object(spec={"a": 1}), True),
        (_object(spec={"a": 1}, status={"x": 1}), True),
        (_object(spec={"a": 2}), False),
        ({**_object(spec={"a": 1}), "metadata": {"name": "s", "uid": "other"}}, False),
        (
            {**_object(spec={"a": 1}), "metadata": {"name": "s", "uid": "u", "labels": {"x": "1"}}},
            False,
        ),
        (None, False),
    ],
)
def test_an_object_of_others_is_the_same_but_for_its_status(
    after: Obj | None, is_same: object
) -> None:
    assert same(_object(spec={"a": 1}), after) is is_same


def _request(
    verb: str, resource: str, name: str = "", namespace: str = "team", uri: str = "/x"
) -> Request:
    return Request(verb, resource, namespace, name, uri, 200, 1.0, granted=True)


@pytest.mark.parametrize(
    ("request_", "is_beyond"),
    [
        (_request("get", "pods"), False),
        (_request("create", "pods/exec"), False),
        (_request("get", "pods", namespace="other"), True),
        (_request("list", "pods", namespace=""), True),
        (_request("patch", "pods/status"), True),
        (_request("get", "nodes", namespace=""), True),
        (_request("deletecollection", "pods"), True),
        (_request("create", "endpoints"), True),
        (_request("get", "", namespace="", uri="/version"), False),
        (
            _request(
                "create",
                "x",
                namespace="",
                uri="/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            ),
            False,
        ),
    ],
)
def test_requests_beyond_the_role_are_found(request_: Request, is_beyond: object) -> None:
    assert bool(policy.beyond([request_], policy.allowed(), "team")) is is_beyond


def test_writes_to_others_are_found_and_attempts_to_create_beside_them_are_not() -> None:
    requests = [_request("patch", "services", "theirs"), _request("create", "services", "theirs")]
    assert policy.touched(requests, [("services", "theirs")]) == requests[:1]
    assert policy.touched([_request("get", "services", "theirs")], [("services", "theirs")]) == []


def test_a_right_that_is_never_used_is_named() -> None:
    rules = {("", "pods"): frozenset(("get", "list"))}
    assert policy.unused([_request("get", "pods")], rules) == ["list pods"]


@pytest.mark.parametrize(
    ("egress", "open_"),
    [
        ([{}], True),
        ([{"ports": [{"port": 80}]}], True),
        ([{"ports": [{"port": 443}]}], False),
        ([{"to": [{"podSelector": {}}]}], False),
        ([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}], True),
        ([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]}], False),
        ([{"to": [{"ipBlock": {"cidr": "::/0"}}]}], False),
        ([], False),
    ],
)
def test_what_a_policy_lets_through(egress: list[Obj], open_: object) -> None:
    assert allows([{"spec": {"egress": egress}}], "169.254.169.254", 80) is open_


# --- the table


def test_closing_lines_count_cases_and_guards() -> None:
    results = [Result("A1-x", "t"), Result("A2-y", "t", "broken")]
    removed = [Removed("g", "w", ["A1-x"]), Removed("h", "w", [])]
    assert table.closing(results, removed) == [
        "2 guards taken out, 1 caught (50 %)",
        "2 passed, 2 failed, 0 skipped",
        "2 cases, 1 failed",
    ]
    zero = {"passed": 0, "failed": 0, "skipped": 0}
    assert count("closing", "2 passed, 2 failed, 0 skipped", zero) == {
        **zero,
        "passed": 2,
        "failed": 2,
    }


def test_rows_come_in_the_threat_lists_order() -> None:
    results = [Result(f"{row}-x", "t") for row in ("A10", "B1", "A2", "K")]
    assert [row for row, _ in table.rows(results)] == ["A2", "A10", "B1", "K"]


def test_what_did_not_hold_says_what_was_seen() -> None:
    text = table.markdown([Result("A1-x", "tries it", "a|b")], [])
    assert "**not held**: A1-x" in text
    assert "a\\|b" in text


def test_refusals_and_strips_are_both_there() -> None:
    wants = [each.want for each in CASES]
    assert min(wants.count(want) for want in Want) >= 10


def test_what_is_known_counts_as_failed_and_fails_nothing() -> None:
    results = known.marked([Result("E1-default", "t", "off"), Result("A1-x", "t")])
    assert [each.failed for each in results] == [False, False]
    assert table.closing(results, []) == [
        "1 passed, 0 failed, 0 skipped, 1 known",
        "2 cases, 1 failed",
    ]
    assert "**not held**: E1-default" in table.markdown(results, [])


def test_what_is_known_not_to_hold_and_does_fails() -> None:
    assert known.marked([Result("E1-default", "t")])[0].failed


def test_what_is_known_are_cases() -> None:
    assert known.reasons().keys() <= set(IDS)
