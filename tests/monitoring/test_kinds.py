"""What the chart makes for the Prometheus operator is what the operator's own definitions take."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import prometheus
from tests.monitoring.rendered import objects


def _closed(schema: Any) -> Any:
    """Return the schema with nothing beside what it names, as API servers prune it."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's schemas, as kubeconform wants them."""
    directory = tmp_path_factory.mktemp("schemas")
    for file in prometheus.definitions():
        definition = yaml.safe_load(file.read_text())
        (version,) = definition["spec"]["versions"]
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        name = definition["spec"]["names"]["kind"].lower()
        (directory / f"{name}.json").write_text(json.dumps(schema))
    return directory


def _conforms(obj: dict[str, Any], schemas: Path) -> subprocess.CompletedProcess[str]:
    where = f"{schemas}/{{{{.ResourceKind}}}}.json"
    command = ["kubeconform", "-summary", "-schema-location", where]
    return subprocess.run(
        command, input=json.dumps(obj), capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("kind", "name"), [("ServiceMonitor", "vc-metrics"), ("PrometheusRule", "vc")]
)
def test_object_is_what_the_operator_takes(kind: str, name: str, schemas: Path) -> None:
    done = _conforms(objects()[kind, name], schemas)
    assert done.returncode == 0, done.stdout
    assert "Valid: 1" in done.stdout


def test_a_field_that_it_does_not_know_is_found(schemas: Path) -> None:
    monitor = json.loads(json.dumps(objects()["ServiceMonitor", "vc-metrics"]))
    monitor["spec"]["endpoints"][0]["scrapeEvery"] = "15s"
    done = _conforms(monitor, schemas)
    assert done.returncode != 0
    assert "scrapeEvery" in done.stdout
