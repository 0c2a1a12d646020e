"""Values, templates, tests and tables of the chart, held against each other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncer.startup.permissions import RIGHTS
from tools import chart_values
from tools.chart_values import CHART, Value

TESTS = CHART.parents[1] / "tests" / "chart"
TEMPLATES = sorted((CHART / "templates").iterdir())
PRESETS = sorted((CHART / "values").iterdir())
K3S_ARGS: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "k3s-args.yaml").read_text())
ROLE: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "rights.yaml").read_text())

# `$policy := .Values.networkPolicy` reads nothing yet; `$policy.hostApi` and a bare `$policy` do.
ALIAS = re.compile(r"(\$\w+) := \.Values((?:\.\w+)+) -?}}")


def _reads(text: str) -> set[str]:
    """The value paths that a template reads."""
    aliases = dict(ALIAS.findall(text))
    text = ALIAS.sub("", text)
    for name, path in aliases.items():
        text = re.sub(rf"{re.escape(name)}\b", f".Values{path}", text)
    return {path.removeprefix(".") for path in re.findall(r"\.Values((?:\.\w+)+)", text)}


READ = {path for template in TEMPLATES for path in _reads(template.read_text())}
VALUES = chart_values.read((CHART / "values.yaml").read_text())


def _leaves(values: list[Value]) -> Iterator[Value]:
    for value in values:
        yield from _leaves(value.children) if value.children else [value]


def test_reads_are_found() -> None:
    text = "{{- $p := .Values.a.b -}}{{ $p.c }}{{ with .Values.d }}{{ .Values.e.f | quote }}"
    assert _reads(text) == {"a.b.c", "d", "e.f"}
    assert _reads("{{- $q := .Values.a -}}{{ toYaml $q }}") == {"a"}


@pytest.mark.parametrize("leaf", [leaf.path for leaf in _leaves(VALUES)])
def test_every_value_is_read_by_a_template(leaf: str) -> None:
    parts = leaf.split(".")
    assert {".".join(parts[: n + 1]) for n in range(len(parts))} & READ


@pytest.mark.parametrize("path", sorted(READ))
def test_every_value_that_a_template_reads_is_declared(path: str) -> None:
    declared: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    for part in path.split("."):
        assert part in declared
        declared = declared[part]


@pytest.mark.parametrize("template", [path.name for path in TEMPLATES])
def test_every_template_has_a_test_of_its_name(template: str) -> None:
    assert (TESTS / f"{template.partition('.')[0]}_test.yaml").exists()


@pytest.mark.parametrize("suite", sorted(TESTS.glob("*_test.yaml")), ids=lambda path: path.stem)
def test_every_test_has_a_template_of_its_name(suite: Path) -> None:
    stem = suite.name.removesuffix("_test.yaml")
    assert any(path.name.partition(".")[0] == stem for path in TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_are_small(template: Path) -> None:
    lines = template.read_text().splitlines()
    assert len(lines) <= (300 if template.name.startswith("_") else 120)
    # The text of the anchor is an object's, where a line break would be one for its reader too.
    assert template.stem == "configmap-anchor" or max(map(len, lines)) <= 120


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_helpers_carry_the_name_of_the_chart(template: Path) -> None:
    # An umbrella chart shares one name space of helpers between all its charts.
    names = re.findall(r'define "([^"]*)"', template.read_text())
    assert all(name.startswith("virtualcluster.") for name in names)
    assert template.name.startswith("_") == bool(names)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.name)
def test_preset_is_for_the_version_of_its_name(preset: Path) -> None:
    values = yaml.safe_load(preset.read_text())
    assert set(values) == {"virtualCluster"}
    assert set(values["virtualCluster"]) == {"image", "baseArgs"}
    minor = re.escape(preset.stem)
    assert re.fullmatch(rf"rancher/k3s:v{minor}\.\d+-k3s\d", values["virtualCluster"]["image"])
    assert values["virtualCluster"]["baseArgs"][0] == "server"


def test_presets_sort_like_their_versions() -> None:
    """The chart sorts them as text to find the newest that is not newer than a k3s."""
    versions = [tuple(int(part) for part in preset.stem.split(".")) for preset in PRESETS]
    assert versions == sorted(versions)
    assert all(major == 1 and minor > 9 for major, minor in versions)


def test_no_copy_of_a_preset_is_kept() -> None:
    """What installs the presets by chart-testing makes the copies that it reads."""
    presets = {preset.read_text() for preset in PRESETS}
    assert presets
    assert [file for file in (CHART / "ci").iterdir() if file.read_text() in presets] == []


def test_k3s_args_table_is_consistent() -> None:
    flags = [row["flag"] for row in K3S_ARGS]
    assert len(flags) == len(set(flags))
    for row in K3S_ARGS:
        assert set(row) <= {
            "flag",
            "value",
            "accepts",
            "versions",
            "user",
            "because",
            "unless",
            "gone",
        }
        assert row["user"] in {"wins", "agrees"}
        # What may be refused says why.
        assert row["user"] == "wins" or row["because"]
        assert all(isinstance(row[key], str) for key in {"value", "versions"} & set(row))


def _granted() -> set[tuple[str, str, str, str, bool]]:
    return {
        (group, resource, verb, row.get("kind", ""), row.get("cluster", False))
        for row in ROLE
        for group in row["apiGroups"]
        for resource in row["resources"]
        for verb in row["verbs"]
    }


def test_roles_grant_what_the_syncer_needs_and_no_more() -> None:
    needed = {
        (right.group, right.resource, verb, right.kind, right.cluster)
        for right in RIGHTS
        for verb in right.verbs
    }
    assert _granted() == needed


def test_role_holds_none_of_the_rights_that_would_lead_out_of_the_namespace() -> None:
    resources = {resource for _, resource, _, _, cluster in _granted() if not cluster}
    never = ("nodes", "persistentvolumes", "storageclasses", "serviceaccounts", "roles", "*")
    assert not {name for name in resources if name.startswith(never)}
    assert not resources & {"pods/status", "pods/binding", "pods/eviction", "namespaces"}
    verbs = {verb for _, resource, verb, _, _ in _granted() if resource != "leases"}
    assert verbs == {"get", "list", "watch", "create", "patch", "delete"}


def test_only_our_own_lease_may_be_looked_at_and_changed() -> None:
    rows = [row for row in ROLE if "leases" in row["resources"]]
    assert {verb for row in rows for verb in row["verbs"]} == {"create", "get", "update"}
    assert all(bool(row.get("named")) is (row["verbs"] != ["create"]) for row in rows)
    assert [right.named for right in RIGHTS if right.resource == "leases"] == [False, True]


def test_cluster_role_reads_only_and_never_without_a_value_that_asks_for_it() -> None:
    rows = [row for row in ROLE if row.get("cluster")]
    assert rows
    for row in rows:
        assert set(row["verbs"]) <= {"get", "list", "watch"}
        assert row["kind"]
        assert row["optIn"]
        assert not any("/" in resource for resource in row["resources"])  # nodes/proxy, threats G6
