"""What the documentation gives to others to install: the chart takes its values.

Needs `helm` and `kubeconform` on PATH, as `scripts/test chart` sees to it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.test_schemas import _conforms
from tools.docs import blocks
from tools.docs.blocks import ROOT, Block

CHART = ROOT / "charts" / "virtualcluster"
FILES = {block.file: block for page in blocks.pages() for block in blocks.read(page) if block.file}
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
NEWEST = "1.34"


def _documents(block: Block) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(block.text))


def _values(name: str) -> dict[str, Any]:
    """Return the values that a file of the documentation gives to the chart."""
    *_, last = _documents(FILES[name])
    values: dict[str, Any] = last
    if name == "argo-cd.yaml":
        values = last["spec"]["source"]["helm"]["valuesObject"]
    elif name == "flux.yaml":
        values = last["spec"]["values"]
    return values


@pytest.mark.parametrize("name", ["argo-cd.yaml", "flux.yaml", "limits.yaml"])
def test_the_chart_takes_the_values(name: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(_values(name)))
    command = ["helm", "template", "dev", str(CHART), f"--kube-version={NEWEST}.0"]
    done = subprocess.run(
        [*command, f"--values={file}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["argo-cd.yaml", "flux.yaml"])
def test_it_is_this_chart_in_this_version(name: str) -> None:
    *_, last = _documents(FILES[name])
    source = last["spec"].get("source") or last["spec"]["chart"]["spec"]
    assert source["chart"] == yaml.safe_load((CHART / "Chart.yaml").read_text())["name"]
    assert VERSION in (source.get("targetRevision"), source.get("version"))


@pytest.mark.parametrize("name", ["site.yaml", "web-0.yaml"])
def test_an_object_is_one(name: str) -> None:
    done = _conforms(FILES[name].text, NEWEST)
    assert done.returncode == 0, done.stdout


def test_each_file_of_a_page_has_a_test() -> None:
    read_here = {"argo-cd.yaml", "flux.yaml", "limits.yaml", "site.yaml", "web-0.yaml"}
    # actionlint and zizmor read the workflow (tools/audit/workflows.py); the rest is others' form.
    elsewhere = {".github/workflows/integration.yaml", ".gitlab-ci.yml", "inside.yaml"}
    assert set(FILES) == read_here | elsewhere


def test_flux_finds_the_kubeconfig_where_the_syncer_puts_it() -> None:
    (inside,) = _documents(FILES["inside.yaml"])
    named = inside["spec"]["kubeConfig"]["secretRef"]
    assert named["name"] == "vc-dev"
    assert f'"{named["key"]}"' in (ROOT / "syncer" / "startup" / "kubeconfig.py").read_text()
