"""The contract of k3s: how flags are told apart, images unpacked, and what was seen judged."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.paths import REPO
from tests.contract import cli, flags, known, lives, rootfs, server, table, wire
from tests.contract.expected import ROWS
from tests.contract.judge import DIFFERS, FAILED, OK, judge
from tests.contract.known import Difference
from tests.contract.lives import FOREIGN
from tests.contract.row import OneOf, Row, Seen, always, problem
from tests.contract.subject import REAL, STAND_IN, Subject
from tests.unit.archived import Files, layer

ROW = Row("colour", lambda seen: seen["main"]["colour"], always("red"))
FAKE = Subject(STAND_IN, "1.18", "v1.18.6+k3s1", Path())
TRUE = Subject(REAL, "1.18", "v1.18.6+k3s1", Path())
KNOWN = [Difference("colour", "blue is cheaper", since="1.16", until="1.18")]


def seen(colour: str) -> Seen:
    return {"minor": 18, "release": "v1.18.6+k3s1", "main": {"colour": colour}}


def parser(known_flags: Sequence[str], durations: Sequence[str]) -> Callable[[Sequence[str]], str]:
    """Return a server that reads flags as k3s does: one by one, until one is wrong."""

    def said(given: Sequence[str]) -> str:
        for flag in given:
            if flag in durations:
                return f'time=… invalid value "1" for flag -{flag}: parse error'
            if flag not in known_flags:
                return f"flag provided but not defined: -{flag}"
        return "flag provided but not defined: -no-such-flag-of-any-version"

    return said


def test_every_flag_is_judged_although_the_first_wrong_one_ends_a_server() -> None:
    found = flags.verdicts(["a", "x", "wait", "b", "y"], parser(["a", "b"], ["wait"]))
    wanted = {"a": "taken", "x": "refused", "wait": "taken", "b": "taken", "y": "refused"}
    assert found == wanted


def test_a_server_that_says_something_else_is_quoted() -> None:
    found = flags.verdicts(["a", "b"], lambda _: "panic: no memory")
    assert found == dict.fromkeys(["a", "b"], "not told: panic: no memory")


@pytest.mark.parametrize(
    ("row", "subject", "colour", "state"),
    [
        (ROW, TRUE, "red", OK),
        (ROW, TRUE, "blue", FAILED),
        (ROW, FAKE, "blue", DIFFERS),
        (ROW, FAKE, "red", FAILED),  # the list is out of date
        (Row("shape", ROW.read, always("red")), FAKE, "blue", FAILED),
        (Row("colour", ROW.read, always(OneOf(("red", "blue")))), TRUE, "blue", OK),
        (Row("colour", lambda seen: seen["variant"]["colour"], always("red")), TRUE, "red", FAILED),
    ],
)
def test_only_the_stand_in_may_differ_and_only_as_listed(
    row: Row, subject: Subject, colour: str, state: str
) -> None:
    (verdict,) = judge([row], {subject: seen(colour)}, KNOWN)
    assert verdict.state == state


def test_a_version_that_a_row_says_nothing_of_is_left_out() -> None:
    row = Row("colour", ROW.read, always("red"), minors=(34,))
    assert judge([row], {TRUE: seen("blue")}, []) == []


def test_a_scenario_that_broke_off_is_the_reason() -> None:
    broken = {**seen("red"), "main": {"broken": "AssertionError: k3s has ended"}}
    assert problem(ROW, broken, 18) == "main: AssertionError: k3s has ended"


def test_only_what_differs_is_told() -> None:
    row = Row("modes", lambda s: s["main"], always({"a": 1, "b": 2}))
    assert problem(row, {"main": {"a": 1, "b": 3, "c": 4}}, 18) == "b: 3, not 2; c: 4, not nothing"
    lists = Row("list", lambda s: s["main"], always(["a", "b"]))
    assert problem(lists, {"main": ["b", "c"]}, 18) == "more: ['c']; missing: ['a']"


def test_the_table_has_a_column_for_each_server_and_for_real_ones_that_are_not_given() -> None:
    other = Subject(STAND_IN, "1.34", "v1.34.4+k3s1", Path())
    looked = {FAKE: seen("blue"), TRUE: seen("red"), other: {**seen("red"), "minor": 34}}
    verdicts = judge([ROW], looked, KNOWN)
    lines = table.markdown(["1.18", "1.34"], list(looked), verdicts).splitlines()
    assert lines[0].count("|") == 6
    assert lines[2] == "| colour | differs | ok | ok | not given |"
    assert "blue is cheaper" in lines[-1]
    closing = table.closing(["1.18", "1.34"], list(looked), verdicts)
    assert closing == ("2 passed, 0 failed, 1 skipped, 1 known", True)


def test_assertions_have_names_of_their_own_and_differences_are_about_them() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len({*names})
    assert [each for each in known.differences() if each.assertion not in names] == []
    assert [each for each in known.differences() if not each.reason.strip()] == []


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ([{"a": b"1"}, {"b": b"2"}], ["a", "b"]),
        ([{"a": b"1"}, {".wh.a": b""}], []),
        ([{"d": None, "d/a": b"1"}, {"d/.wh..wh..opq": b"", "d/b": b""}], ["d", "d/b"]),
        ([{"bin/k3s": b"1"}, {"bin/sh": "/bin/k3s"}], ["bin", "bin/k3s", "bin/sh"]),
        ([{"a": b"1"}, {"a": None, "a/b": b""}], ["a", "a/b"]),
    ],
)
def test_layers_are_laid_upon_each_other(
    tmp_path: Path, layers: list[Files], left: list[str]
) -> None:
    for files in layers:
        with tarfile.open(fileobj=io.BytesIO(layer(files))) as tar:
            rootfs.apply(tar, tmp_path)
    found = sorted(each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*"))
    assert found == left


def test_a_layer_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (
        tarfile.open(fileobj=io.BytesIO(layer({"../out": b"1"}))) as tar,
        pytest.raises(tarfile.OutsideDestinationError),
    ):
        rootfs.apply(tar, tmp_path / "root")


def test_listening_sockets_are_read_as_people_write_them(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    (tmp_path / "tcp").write_text(
        f"{head}0: 0100007F:192C 00000000:0000 0A\n1: 0100007F:AAAA 0100007F:192C 01\n"
    )
    (tmp_path / "tcp6").write_text(f"{head}0: {'0' * 32}:192B {'0' * 32}:0000 0A\n")
    assert wire.listening(tmp_path) == ["*:6443", "127.0.0.1:6444"]


def test_a_process_is_a_child_whichever_thread_has_started_it(tmp_path: Path) -> None:
    for thread, started in {"7": "", "9": "12 11 ", "10": "30 "}.items():
        (tmp_path / "7" / "task" / thread).mkdir(parents=True)
        (tmp_path / "7" / "task" / thread / "children").write_text(started)
    assert server.children(7, tmp_path) == [11, 12, 30]


def test_a_restart_is_told_what_it_changed_made_and_removed() -> None:
    before = {"a/kept": "1", "a/new": "1", "a/gone": "1", "b/new": "1"}
    after = {"a/kept": "1", "a/new": "2", "a/more": "1", "b/new": "2"}
    assert lives.changed(before, after, "a/") == ["a/gone", "a/more", "a/new"]


def test_a_foreign_name_counts_whenever_it_comes() -> None:
    row = next(each for each in ROWS if each.name == "a foreign SNI adds its name")
    life = {"shown": {"sans": ["own"]}, "foreign": {"sans": ["own"]}}
    later = {"main": {**life, "again": {"sans": [FOREIGN, "own"]}}}
    never = {"main": {**life, "again": {"sans": ["own"]}}}
    assert (problem(row, later, 34) != "", problem(row, later, 18)) == (True, "")
    assert (problem(row, never, 34), problem(row, never, 18) != "") == ("", True)


def test_versions_are_those_asked_for_or_those_of_the_archives() -> None:
    assert cli.chosen("1.18, 1.34", [], fast=False) == ["1.18", "1.34"]
    assert cli.chosen("", [], fast=False) == cli.possible()
    assert "1.34" in cli.chosen("", [], fast=True)
    done = CliRunner().invoke(cli.main, ["--versions", "1.99"])
    assert (done.exit_code, "--versions 1.99: there are 1.16" in done.output) == (2, True)


def test_the_document_names_every_assertion() -> None:
    text = " ".join((REPO / "docs" / "k3s-contract.md").read_text().split())
    quoted = {*re.findall(r"`([^`]+)`", text)}
    assert [row.name for row in ROWS if row.name not in quoted] == []
