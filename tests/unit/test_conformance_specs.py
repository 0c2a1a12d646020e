"""A run is about the specs that were asked for, whatever their names are made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import LabError
from tests.conformance import specs
from tests.conformance.specs import Spec

ODD = "[sig-x] A (b, c) should | not be a+b? [It's $5.00] {x} ^ \\ [Conformance]"
SPECS = [
    Spec("[sig-apps] Job should run [Conformance]", "apps/job.go"),
    Spec("[sig-node] Pods [Serial] should run [Conformance]", "node/pods.go"),
    Spec(ODD, "x.go"),
]


@pytest.mark.parametrize(
    ("focus", "skip", "chosen"),
    [
        ("", "", [0, 1, 2]),
        ("sig-apps", "", [0]),
        ("should run", r"\[Serial\]", [0]),
        ("", "sig-(apps|node)", [2]),
        ("nothing", "", []),
    ],
)
def test_focus_and_skip_choose(focus: str, skip: str, chosen: list[int]) -> None:
    assert specs.select(SPECS, focus, skip) == [SPECS[index] for index in chosen]


def test_a_bad_expression_is_refused() -> None:
    with pytest.raises(LabError, match="--focus"):
        specs.select(SPECS, "[", "")


def test_flags_match_just_the_names() -> None:
    (flag,) = specs.focus_flags([ODD, SPECS[0].name])
    focus = re.compile(flag.removeprefix("--focus="))
    assert focus.search(f"Kubernetes e2e suite {ODD}")
    assert focus.search(f"Kubernetes e2e suite {SPECS[0].name}")
    assert not focus.search(f"Kubernetes e2e suite {SPECS[1].name}")
    assert not focus.search(f"Kubernetes e2e suite {ODD} and more")


def test_many_names_take_several_arguments() -> None:
    names = [f"[sig-x] {'very ' * 40}long {number}" for number in range(900)]
    flags = specs.focus_flags(names)
    assert len(flags) > 1
    assert max(map(len, flags)) < 100_000
    assert sum(any(re.search(f[8:], f"suite {name}") for f in flags) for name in names) == 900


def test_a_dry_run_lists_what_it_would_run() -> None:
    location = {"FileName": "k8s.io/kubernetes/test/e2e/apps/job.go"}
    spec = {
        "State": "passed",
        "LeafNodeType": "It",
        "ContainerHierarchyTexts": ["[sig-apps] Job"],
        "LeafNodeText": "should run [Conformance]",
        "LeafNodeLocation": location,
    }
    other = [{**spec, "State": "skipped"}, {**spec, "LeafNodeType": "BeforeSuite"}]
    assert specs.parse_dry_run([{"SpecReports": [spec, *other]}]) == [SPECS[0]]


@pytest.mark.parametrize(
    ("index", "area", "serial"), [(0, "sig-apps", False), (1, "sig-node", True)]
)
def test_names_tell_area_and_serial(index: int, area: str, *, serial: bool) -> None:
    assert (SPECS[index].area, SPECS[index].serial) == (area, serial)


def test_lists_name_specs_with_reasons(tmp_path: Path) -> None:
    file = tmp_path / "fast.yaml"
    file.write_text(f"- spec: '{SPECS[0].name}'\n  reason: jobs\n")
    assert specs.named(file, SPECS) == {SPECS[0].name: "jobs"}
    with pytest.raises(LabError, match="no such spec"):
        specs.named(file, SPECS[1:])
