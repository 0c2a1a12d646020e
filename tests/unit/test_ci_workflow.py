"""The CI workflow: its matrix is that of kind's node images, and what it runs is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from lab import k3simages, realk3s
from lab.paths import REPO
from tests.contract import cli as contract
from tests.hosts import cli, matrix, presets
from tools import suite

WORKFLOW: dict[str, Any] = yaml.safe_load((REPO / ".github/workflows/ci.yaml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
OLD = ["1.16", "1.17", "1.18"]


@pytest.mark.parametrize(
    ("label", "minors"),
    [("", [m for m in presets.minors() if m not in OLD]), ("old-cgroups", presets.minors())],
)
def test_every_preset_is_a_job_and_the_old_ones_where_a_runner_can(
    label: str, minors: list[str]
) -> None:
    command = [sys.executable, "tests/hosts/matrix.py", label]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPO).stdout
    jobs = json.loads(printed)["include"]
    assert [job["minor"] for job in jobs] == minors
    for job in jobs:
        assert job["runner"] == (label if job["minor"] in OLD else matrix.RUNNER)


def test_jobs_use_only_what_the_matrix_has() -> None:
    (job,) = matrix.matrix("")["include"][:1]
    used = re.findall(r"matrix\.(\w+)", json.dumps(WORKFLOW["jobs"]["hosts"]))
    assert set(used) == set(job)


def test_actions_are_pinned() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert [each for each in used if not re.search(r"@[0-9a-f]{40}$", each)] == []


def test_commands_are_there_and_take_their_arguments() -> None:
    lines = [step["run"] for step in STEPS if "run" in step]
    assert "scripts/test unit chart" in lines
    assert "scripts/test audit --require-advisories" in lines
    (hosts,) = [line for line in lines if line.startswith("scripts/test hosts --host kind")]
    words = hosts.replace('"$MINOR"', "1.34").split()[2:]
    context = cli.main.make_context("hosts", words)
    assert context.params["provider"] == "kind"
    assert cli.chosen(context.params["versions"], "kind") == ["1.34"]
    assert {*context.params["cases"].split(",")} <= set(cli.SHORT)


def test_the_site_is_made_before_it_is_kept_and_where_the_workflow_looks() -> None:
    steps = WORKFLOW["jobs"]["tests"]["steps"]
    made = [step.get("run") for step in steps].index("scripts/test unit chart")
    kept = [step.get("with", {}).get("name") for step in steps].index("site")
    assert made < kept
    assert str(REPO / "scripts" / "docs") in [check.argv[0] for check in suite.chart()]
    path = steps[kept]["with"]["path"].rstrip("/")
    assert f" {path}\n" in (REPO / "scripts" / "docs").read_text()


def test_results_are_where_the_workflow_looks() -> None:
    shown = [step["run"] for step in STEPS if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
    hosts, real = (line.partition(">>")[0].split()[1:] for line in shown)
    assert hosts == [str(cli.result("kind").relative_to(REPO))]
    assert real == [str(each.relative_to(REPO)) for each in (contract.RESULT, cli.result("lab"))]


def test_real_k3s_is_pulled_by_its_presets_names_and_taken_by_the_tests() -> None:
    job = WORKFLOW["jobs"]["real-k3s"]
    minors = job["strategy"]["matrix"]["minor"]
    assert {*minors} <= {*contract.possible()}
    (pull,) = [step for step in job["steps"] if "docker pull" in step.get("run", "")]
    script = pull["run"].partition("mkdir")[0] + 'echo "$image"'
    for minor in minors:
        said = subprocess.run(
            ["bash", "-euc", script],
            env={"MINOR": minor},
            check=True,
            capture_output=True,
            cwd=REPO,
        )
        assert said.stdout.decode().strip() == k3simages.tag(minor)
    commands = [step for step in job["steps"] if "scripts/test" in step.get("run", "")]
    for step, main in zip(commands, (contract.main, cli.main), strict=True):
        assert realk3s.VARIABLE in step["env"]
        assert realk3s.VARIABLE in step["run"].partition("scripts/test")[0]
        words = step["run"].replace('"$MINOR"', "1.18").split()
        main.make_context("it", words[words.index("scripts/test") + 2 :])
