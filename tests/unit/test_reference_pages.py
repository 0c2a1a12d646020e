"""docs/reference: nothing is left out that the sources know, and it says the same."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from syncer import translate
from syncer.sync.kinds import BY_DEFAULT, NOT_MIRRORED, OPT_IN
from syncer.translate.fields import Verdict
from syncer.translate.nested_fields import NOT_OFFERED, SHAPES
from tests.unit.startup.test_permissions import Grant, grants
from tools import chart_values, cli_reference, cli_rules, kinds_reference, rights_reference
from tools.chart_values import CHART, Value
from tools.references import outputs
from virtualcluster_cli.main import main

PAGES = {path.stem: text for path, text in outputs().items()}
RIGHTS = rights_reference.rights()
BESIDE = {"nodemetrics": "sync.metrics.enabled=true"}
"""What a right needs besides its value."""


def sections(page: str, marks: str) -> dict[str, str]:
    """Return what stands under each heading of one level."""
    parts = re.split(rf"(?m)^{marks} (.+)\n", PAGES[page])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("path", outputs(), ids=lambda path: path.stem)
def test_what_is_generated_is_what_the_sources_say(path: Path) -> None:
    assert path.read_text() == outputs()[path], "run scripts/generate"


def leaves(values: list[Value]) -> Iterator[Value]:
    for each in values:
        yield from leaves(each.children) if each.children else [each]


def test_every_value_has_its_place_and_its_default() -> None:
    values = list(leaves(chart_values.read((CHART / "values.yaml").read_text())))
    told = re.findall(r"(?m)^#{3,5} `(.+)`\n\n(.+; by default.*)", PAGES["values"])
    assert sorted(path for path, _ in told) == sorted(each.path for each in values)
    assert dict(told)["virtualCluster.replicas"] == "Integer, at least 1, at most 9; by default `1`"


@pytest.mark.parametrize("name", main.commands)
def test_every_option_of_every_command_is_told(name: str) -> None:
    section = sections("cli", "##")[name]
    options = [each for each in main.commands[name].params if isinstance(each, click.Option)]
    for option in options:
        assert re.search(rf"(?m)^\| .*`{option.opts[-1]}[` ].*\|$", section)
        assert not option.required or f"`{option.opts[-1]} TEXT` | must be given |" in section
    assert f"virtualcluster {name}" in section.partition("\n```shell\n")[2]


@pytest.mark.parametrize("line", re.findall(r"(?m)^virtualcluster [^\[\]\n]+$", PAGES["cli"]))
def test_every_example_is_taken(line: str) -> None:
    words = shlex.split(re.split(r"[|>)]", line)[0], comments=True)
    _, name, *arguments = words
    main.commands[name].make_context(name, arguments)


def test_exit_codes_are_told() -> None:
    told = re.findall(r"(?m)^\| (\d+) \| (.+) \|$", sections("cli", "##")["Exit codes"])
    assert [code for code, _ in told] == ["0", "1", "2", "3", "4", "5", "6", "127"]
    assert told == cli_reference.exit_codes()


def test_kinds_are_those_that_the_syncer_knows() -> None:
    told = [row[0].strip("`") for row in kinds_reference.kinds()]
    assert set(told) - set(kinds_reference.ALONG) == {*BY_DEFAULT, *OPT_IN, *NOT_MIRRORED}
    assert len(told) == len(set(told))


@pytest.mark.parametrize("name", kinds_reference.SPECS)
def test_every_field_is_told_with_its_verdict(name: str) -> None:
    table: dict[str, Verdict] = getattr(cli_rules.TABLES[name], name)
    section = sections("kinds", "###")[kinds_reference.SPECS[name]].partition("\n## ")[0]
    told = dict(re.findall(r"(?m)^\| `(\w+)` \| (\w+) \|", section))
    assert told == {field: verdict.value for field, verdict in table.items()}


def test_every_table_of_verdicts_is_told() -> None:
    tables = {
        name
        for module in pkgutil.iter_modules(translate.__path__, f"{translate.__name__}.")
        for name, each in vars(importlib.import_module(module.name)).items()
        if isinstance(each, dict) and any(isinstance(value, Verdict) for value in each.values())
    }
    assert tables == set(kinds_reference.SPECS) == set(cli_rules.TABLES)


def test_fields_below_are_told_and_so_is_what_is_not_offered() -> None:
    told = {row[0].strip("`"): row for row in kinds_reference.nested()}
    judged = set(SHAPES) - set(told)
    assert judged == {"PodSpec", "Container", "Volume"} | {
        each for each in SHAPES if each.endswith("Spec")
    }
    for name, (_, known, refused) in told.items():
        assert re.findall(r"`(\w+)`", known) == sorted(SHAPES[name])
        assert re.findall(r"`(\w+)`", refused) == list(NOT_OFFERED.get(name, ()))
        assert refused.count("(") == len(NOT_OFFERED.get(name, ())), "each says why"


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: "-".join(right["resources"]))
def test_a_right_is_there_for_the_value_that_stands_beside_it(right: dict[str, str]) -> None:
    value = right.get("value", "")
    assert bool(value) is ("kind" in right)
    assert right["why"].endswith(".")
    off: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    if value == "virtualCluster.replicas":
        on = (f"{value}=3", "virtualCluster.datastore.existingSecret=db")
    elif value:
        more = [BESIDE[right["kind"]]] if right["kind"] in BESIDE else []
        off, on = (f"{value}=false", *more), (f"{value}=true", *more)
    rule = {
        Grant(group, resource, verb, "vc-syncer" if right.get("named") else "", "cluster" in right)
        for group in right["apiGroups"]
        for resource in right["resources"]
        for verb in right["verbs"]
    }
    assert rule <= grants(on)
    assert not value or not rule & grants(off)
