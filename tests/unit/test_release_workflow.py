"""The workflow of a release: it runs what is there, and gives rights only to what needs them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from lab.paths import REPO
from tools import package, release, sbom, wheel

PATH = REPO / ".github" / "workflows" / "release.yaml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(PATH.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
RUNS = {
    name: "\n".join(step["run"] for step in job["steps"] if "run" in step)
    for name, job in JOBS.items()
}
COMMANDS = {
    "scripts/package": package.main,
    "scripts/package-cli": wheel.main,
    "scripts/release-notes": release.main,
    "scripts/sbom": sbom.main,
}


def test_it_runs_for_tags_alone() -> None:
    assert WORKFLOW[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true


def test_its_commands_are_there_and_take_their_arguments() -> None:
    found = set()
    for line in RUNS["packages"].splitlines():
        program, *words = shlex.split(line.partition(" > ")[0]) or [""]
        if program in COMMANDS:
            assert (REPO / program).exists()
            COMMANDS[program].make_context(program, words)
            found.add(program)
    assert found == set(COMMANDS)


def test_nothing_is_released_that_was_not_tested() -> None:
    tests = ("scripts/release-notes", "scripts/test unit chart", "scripts/test audit --require-adv")
    places = [RUNS["packages"].index(each) for each in (*tests, "scripts/package-cli")]
    assert places == sorted(places)
    assert JOBS["image"]["needs"] == "packages"
    assert set(JOBS["publish"]["needs"]) == {"packages", "image"}


def test_rights_are_where_they_are_needed_and_nothing_of_the_repository_runs_there() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    with_rights = {name for name, job in JOBS.items() if "permissions" in job}
    assert with_rights == {"publish"}
    assert "scripts/" not in RUNS["publish"]
    assert not [s for s in JOBS["publish"]["steps"] if "actions/checkout" in s.get("uses", "")]
    secrets = {name for name, job in JOBS.items() if "secrets." in str(job)}
    assert secrets == {"image", "publish"}
    assert {JOBS[name].get("environment") for name in secrets} == {"release"}


def test_actions_are_pinned_and_those_of_the_other_workflow() -> None:
    """Two workflows with two versions of an action would be one forgotten."""
    used = re.findall(r"uses: (\S+)", PATH.read_text())
    elsewhere = re.findall(r"uses: (\S+)", PATH.with_name("ci.yaml").read_text())
    assert used
    assert set(used) <= set(elsewhere)
    assert [each for each in used if not re.search(r"@[0-9a-f]{40}$", each)] == []


def test_all_that_is_made_is_signed_and_published() -> None:
    (made,) = [
        s["with"]["path"] for s in JOBS["packages"]["steps"] if "with" in s and "path" in s["with"]
    ]
    directories = {
        str(Path(each).parts[1])
        for each in made.split()
        if each.count("/") > 1 or each.endswith("/")
    }
    assert directories == {"charts", "dist", "sbom"}
    for directory in directories:
        assert RUNS["publish"].count(f"build/{directory}/") >= 2
    for wanted in (
        "cosign sign-blob",
        "cosign sign --yes --recursive",
        "cosign attest",
        "helm push",
    ):
        assert wanted in RUNS["publish"]


def test_the_base_image_is_taken_by_digest() -> None:
    assert '--build-arg "BASE=$base@$digest"' in RUNS["image"]
    assert re.search(
        r"^ARG BASE=\S+:\S+$", (REPO / "syncer" / "Dockerfile").read_text(), re.MULTILINE
    )
