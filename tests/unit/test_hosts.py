"""What is run on which host version, under which image names, and what the table says of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.buildah import Image
from lab.errors import LabError
from lab.images import SYNCER_TAG
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import KUBERNETES
from tests.hosts import cli, presets, session, table
from tests.hosts.host import Host, of_lab
from tests.hosts.table import E2E, INSTALL, K3S, LAB, UPGRADE, Row
from tools.suite import Outcome

OWN = presets.image("1.34")
HOST = Host("1.34", Path("/k"))


@pytest.mark.parametrize(
    ("found", "names", "left"),
    [
        (["preset-1.34", "preset-1.16"], ["default", "preset-1.34"], ["default", "preset-1.34"]),
        (["preset-1.34", "restricted"], ["default"], ["default"]),
        (["preset-1.34"], ["preset-1.34"], ["preset-1.34"]),
        ([], ["default"], ["default"]),
    ],
)
def test_a_host_gets_the_values_that_fit(
    found: list[str], names: list[str], left: list[str], tmp_path: Path
) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "values").mkdir()
    for name in found:
        preset = tmp_path / "values" / f"{name.removeprefix('preset-')}.yaml"
        kept = tmp_path / "ci" / f"{name}-values.yaml"
        (preset if name.startswith("preset-") else kept).write_text("a: 1\n")
    presets.fit(tmp_path, [f"{name}-values.yaml" for name in names])
    there = {path.name: path.read_text() for path in (tmp_path / "ci").iterdir()}
    assert sorted(there) == [f"{name}-values.yaml" for name in left]
    assert there.get("default-values.yaml", "{}\n") == "{}\n"
    assert {text for name, text in there.items() if name.startswith("preset-")} <= {"a: 1\n"}


@pytest.mark.parametrize(
    ("minor", "files"),
    [
        ("1.16", ["users-1.16-values.yaml"]),
        ("1.17", ["users-1.17-values.yaml"]),
        ("1.18", ["users-1.18-values.yaml"]),
        ("1.34", []),
    ],
)
def test_users_values_are_installed_unchanged_on_their_own_version(
    minor: str, files: list[str], tmp_path: Path
) -> None:
    assert presets.users(minor) == files
    presets.fit(tmp_path, files)
    there = {path.name: path.read_bytes() for path in (tmp_path / "ci").iterdir()}
    assert there == {name: (presets.SEEDS / f"{minor}.yaml").read_bytes() for name in files}


def test_presets_are_in_the_order_of_versions() -> None:
    assert presets.minors()[0] == "1.16"
    assert sorted(["1.9", "1.10", "1.2"], key=presets.order) == ["1.2", "1.9", "1.10"]


@pytest.mark.parametrize(
    ("tags", "settings"),
    [
        ([SYNCER_TAG, OWN, "busybox:1"], []),
        ([f"{SYNCER_TAG}-abc", OWN], [f"--set=syncer.image={SYNCER_TAG}-abc"]),
        ([SYNCER_TAG, f"{OWN}-x"], [f"--set=virtualCluster.image={OWN}-x"]),
    ],
)
def test_only_names_that_differ_from_the_charts_are_set(
    tags: list[str], settings: list[str]
) -> None:
    host = of_lab("1.34", Path("/k"), [Image(tag, "", Path("/")) for tag in tags])
    assert host.settings == settings
    words = session.chart_testing(host, "--upgrade")
    assert ("--helm-extra-set-args" in words) == bool(settings)
    given = {host.environment["VC_E2E_SYNCER_IMAGE"], host.environment["VC_E2E_K3S_IMAGE"]}
    assert {each.partition("=")[2].partition("=")[2] for each in settings} == given - {""}


@pytest.mark.parametrize(
    ("cases", "names"),
    [
        ([INSTALL, UPGRADE, K3S, E2E], [INSTALL, UPGRADE, K3S, E2E]),
        ([E2E], [E2E]),
        ([], []),
    ],
)
def test_the_cases_that_were_chosen_are_run(
    cases: list[str], names: list[str], tmp_path: Path
) -> None:
    plan = session.Plan(cases, "HEAD", scratch=tmp_path)
    assert [check.name for check in session.checks(HOST, plan)] == names


@pytest.mark.parametrize(
    ("minor", "files"),
    [
        ("1.16", {"default-values.yaml", "preset-1.16-values.yaml", "users-1.16-values.yaml"}),
        ("1.34", {"default-values.yaml", "preset-1.34-values.yaml"}),
    ],
)
def test_chart_testing_installs_preset_nothing_and_what_users_have(
    minor: str, files: set[str], tmp_path: Path
) -> None:
    plan = session.Plan([INSTALL], "HEAD", scratch=tmp_path)
    (check,) = session.checks(Host(minor, Path("/k")), plan)
    found = (check.cwd / "charts" / "virtualcluster" / "ci").iterdir()
    assert {path.name for path in found} == files


@pytest.mark.parametrize(
    ("minor", "earlier"),
    [
        ("1.16", ""),
        ("1.17", "1.16"),
        ("1.18", "1.17"),
        ("1.21", ""),
        ("1.30", ""),
        ("1.37", "1.36"),
    ],
)
def test_k3s_is_upgraded_from_the_preset_before(minor: str, earlier: str) -> None:
    assert presets.before(minor) == earlier


@pytest.mark.parametrize(
    ("earlier", "k3s", "steps"),
    [("1.33", "", "1.33 1.34"), ("", "", None), ("1.33", "rancher/k3s:other", None)],
)
def test_k3s_takes_the_steps_whose_images_the_host_has(
    earlier: str, k3s: str, steps: str | None, tmp_path: Path
) -> None:
    host = Host("1.34", Path("/k"), k3s=k3s, earlier=earlier)
    (check,) = session.checks(host, session.Plan([K3S], "HEAD", scratch=tmp_path))
    assert check.env.get("VC_E2E_K3S_MINORS") == steps
    assert check.env["VC_E2E_K3S_IMAGE"] == ("" if steps else k3s)


def test_every_file_of_the_end_to_end_tests_is_there() -> None:
    names = {*session.END_TO_END, *session.FAST}
    assert {name for name in names if not (REPO / name).exists()} == set()


def outcome(passed: int, failed: int = 0, skipped: int = 0) -> Outcome:
    return Outcome("", passed, failed, skipped, 61)


OK, BAD = outcome(1), outcome(0, 1)


@pytest.mark.parametrize(
    ("outcomes", "cells", "line", "good"),
    [
        (
            {LAB: OK, INSTALL: OK, E2E: outcome(9, 0, 2)},
            ["ok 1m01s", "ok 1m01s", "9 passed, 0 failed, 2 skipped 1m01s", "ok 3m03s"],
            "11 passed, 0 failed, 2 skipped",
            True,
        ),
        (
            {LAB: OK, INSTALL: BAD, E2E: outcome(8, 1)},
            ["ok 1m01s", "FAILED 1m01s", "8 passed, 1 failed 1m01s", "FAILED 3m03s"],
            "9 passed, 2 failed, 0 skipped",
            False,
        ),
        (
            {LAB: BAD},
            ["FAILED 1m01s", "not run", "not run", "FAILED 1m01s"],
            "0 passed, 3 failed, 0 skipped",
            False,
        ),
        (
            {LAB: OK, INSTALL: outcome(1, 0, 1), E2E: outcome(9)},
            ["ok 1m01s", "ok, 1 skipped 1m01s", "9 passed, 0 failed 1m01s", "ok 3m03s"],
            "11 passed, 0 failed, 1 skipped",
            True,
        ),
        (
            {LAB: OK, INSTALL: OK, E2E: outcome(9), "cleaning up": BAD},
            ["ok 1m01s", "ok 1m01s", "9 passed, 0 failed 1m01s", "FAILED 4m04s"],
            "11 passed, 1 failed, 0 skipped",
            False,
        ),
        (
            {},
            ["not run", "not run", "not run", "FAILED 0.0s"],
            "0 passed, 3 failed, 0 skipped",
            False,
        ),
    ],
    ids=["good", "failed", "no lab", "skipped", "not removed", "nothing"],
)
def test_table(outcomes: dict[str, Outcome], cells: list[str], line: str, *, good: bool) -> None:
    rows, cases = [Row("1.34", "v1.34.4-k3s1", outcomes=outcomes)], [LAB, INSTALL, E2E]
    head, _, body = table.markdown(rows, cases).splitlines()
    assert head == "| host | k3s | cluster | ct install | end to end | all |"
    assert body == f"| 1.34 | v1.34.4-k3s1 | {' | '.join(cells)} |"
    assert table.closing(rows, cases) == (line, good)


def test_no_version_at_all_is_no_success() -> None:
    assert table.closing([], [LAB]) == ("0 passed, 0 failed, 0 skipped", False)


@contextlib.contextmanager
def broken(*, before: bool) -> Iterator[Host]:
    if before:
        raise LabError("no room")
    yield HOST
    raise LabError("still mounted")


@pytest.mark.parametrize(
    ("before", "failed"), [(True, {LAB: 1}), (False, {LAB: 0, "cleaning up": 1})]
)
def test_a_lab_that_fails_is_a_row_and_no_end(before: bool, failed: dict[str, int]) -> None:  # noqa: FBT001
    row = session.new_row("1.34")
    session.try_host(Progress(), row, session.Plan([], ""), lambda: broken(before=before))
    assert {case: each.failed for case, each in row.outcomes.items()} == failed


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--cases", "e2e,magic"], "--cases magic: there are install, upgrade, k3s, e2e"),
        (["--k3s", "1.99"], "--k3s 1.99: the chart has presets for"),
        (["--k3s", "1.30", "--cases", "install,e2e"], "presets are installed on their own hosts"),
        (["--versions", "1.99"], "lab has no 1.99"),
    ],
)
def test_what_cannot_be_run_is_told(args: list[str], says: str) -> None:
    done = CliRunner().invoke(cli.main, args)
    assert (done.exit_code, says in done.output) == (2, True), done.output


@pytest.mark.parametrize(
    ("minor", "k3s", "shown"),
    [
        ("1.34", "", "v1.34.4-k3s1, stand-in"),
        ("1.34", "1.16", "v1.16.13-k3s1, stand-in"),
        ("1.99", "", "no preset"),
    ],
)
def test_a_row_names_the_k3s_that_runs(minor: str, k3s: str, shown: str) -> None:
    assert session.new_row(minor, k3s).k3s == shown


@pytest.mark.parametrize(("provider", "shown"), [("", "1.34"), ("kind", "1.34, kind")])
def test_a_row_names_the_host_that_is_no_lab(provider: str, shown: str) -> None:
    row = session.new_row("1.34", "", provider)
    assert table.markdown([row], []).splitlines()[-1].startswith(f"| {shown} | v1.34.4-k3s1,")


def test_versions_are_those_of_the_lab_that_have_a_preset() -> None:
    assert cli.chosen("") == [minor for minor in presets.minors() if minor in KUBERNETES]
    assert cli.chosen(" 1.34, ") == ["1.34"]
    assert cli.chosen("", "kind") == presets.minors()
    assert cli.chosen("", fast=True) == ["1.16", "1.18", presets.minors()[-1]]
    assert cli.chosen("1.17", fast=True) == ["1.17"]
    for provider in cli.PROVIDERS:
        with pytest.raises(click.UsageError, match=rf"{provider} has no 1\.99"):
            cli.chosen("1.34,1.99", provider)
