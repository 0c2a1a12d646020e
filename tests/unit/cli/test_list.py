"""`list`: what the labels of the chart find, and which word stands for its state."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.unit.cli.conftest import Run, statefulset
from tests.unit.cli.fakes import LABELS, READY, Served
from virtualcluster_cli.installations import Installation


@pytest.mark.usefixtures("dev")
def test_a_virtual_cluster_is_listed_with_its_version(cli: Run) -> None:
    lines = cli("list").stdout.splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "PHASE", "KUBERNETES", "CHART", "AGE"]
    assert lines[1].split()[:5] == ["team-x", "dev", "Ready", "1.34.4", "virtualcluster-0.1.0"]


def test_other_statefulsets_are_none(cli: Run, host: Served) -> None:
    host.create("statefulsets", "team-x", metadata={"name": "db"}, spec={})
    done = cli("list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no virtual clusters in namespace team-x" in done.stderr


@pytest.mark.usefixtures("dev")
def test_those_of_other_namespaces_need_all_namespaces(cli: Run, host: Served) -> None:
    host.create("statefulsets", "team-y", **statefulset("ci"))
    assert [each["name"] for each in json.loads(cli("list", "-o", "json").stdout)] == ["dev"]
    found = yaml.safe_load(cli("list", "-A", "-o", "yaml").stdout)
    assert [(each["namespace"], each["name"]) for each in found] == [
        ("team-x", "dev"),
        ("team-y", "ci"),
    ]


@pytest.mark.parametrize(
    ("spec", "pod", "phase"),
    [
        ({}, READY, "Ready"),
        ({"replicas": 0}, None, "Paused"),
        ({"replicas": 0}, READY, "Stopping"),
        ({}, None, "Starting"),
        ({}, {"containerStatuses": []}, "Starting"),
        (
            {},
            {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "ImagePullBackOff",
        ),
        (
            {},
            {"initContainerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}]},
            "Starting",
        ),
    ],
)
def test_phase(spec: Any, pod: Any, phase: str) -> None:
    made = statefulset(**spec)
    there = None if pod is None else {"metadata": {"labels": LABELS}, "status": pod}
    assert Installation(made, there).phase == phase
