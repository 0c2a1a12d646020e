"""What helm says of the chart's refusals, as the command line says it on: one line, with a cure."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from virtualcluster_cli.helm import trouble

CHART = Path(__file__).parents[2] / "charts" / "virtualcluster"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            "storage.sise=1Gi",
            (
                "the values are not valid: at '/storage': additional properties 'sise' not allowed:"
                " see the chart's README for the keys"
            ),
        ),
        (
            "storage.keep=true,storage.persistence=false",
            "storage.keep needs storage.persistence: an emptyDir cannot be kept",
        ),
    ],
)
def test_a_refusal_of_the_chart_is_one_line(value: str, says: str) -> None:
    command = ["helm", "template", "dev", str(CHART), "--kube-version=1.34.0", f"--set={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert trouble(done.stderr).message == says


def test_a_host_that_is_too_old_is_said() -> None:
    command = ["helm", "template", "dev", str(CHART), "--kube-version=1.10.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = trouble(done.stderr)
    assert "requires kubeVersion: >=1.16.0-0" in found.cause
    assert "--debug" not in found.message
    assert found.cure
