"""docs/cli.md and the help say what the command line does."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from tests.unit.cli.conftest import Run
from virtualcluster_cli import __version__
from virtualcluster_cli.main import CODES, main

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("name", main.commands)
def test_every_command_is_documented_and_has_examples(cli: Run, name: str) -> None:
    assert f"`{name}" in DOCS or f"virtualcluster {name}" in DOCS
    shown = cli(name, "--help")
    assert shown.exit_code == 0
    assert f"  virtualcluster {name}" in shown.stdout.partition("Examples:")[2]


@pytest.mark.parametrize("name", main.commands)
def test_every_option_says_what_it_is_for(name: str) -> None:
    for each in main.commands[name].params:
        if isinstance(each, click.Option):
            assert each.help, f"{name} {each.opts[-1]}"


def test_no_command_is_documented_that_there_is_not() -> None:
    named = set(re.findall(r"\$?\s*virtualcluster ([a-z]+)", DOCS)) - {"is"}
    assert named <= set(main.commands) | {"create", "completion"}


def test_the_exit_codes_are_those_of_the_help() -> None:
    in_help = dict(re.findall(r"^  (\d+)\s+(.+)$", CODES, re.MULTILINE))
    in_docs = dict(re.findall(r"^\| (\d+) \| (.+) \|$", DOCS, re.MULTILINE))
    assert in_help == in_docs
    used = {str(each.exit_code) for each in _troubles()}
    assert used <= set(in_help)


def _troubles() -> list[type[click.ClickException]]:
    found: list[type[click.ClickException]] = [click.UsageError]
    todo: list[type[click.ClickException]] = [click.ClickException]
    while todo:
        each = todo.pop()
        if each.__module__.startswith("virtualcluster_cli"):
            found.append(each)
        todo += each.__subclasses__()
    return found


def test_all_parts_of_the_product_have_one_version() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "virtualcluster" / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
