"""The chart as Helm renders it, for whoever looks at the objects."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "charts" / "virtualcluster"

Document = dict[str, Any]


def helm(*args: object) -> subprocess.CompletedProcess[str]:
    """Run helm, whatever comes of it."""
    command = ["helm", *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def rendered(host: str, *args: object) -> str:
    """Return what a release `vc` in the namespace `team-x` of a host of that version is made of."""
    result = helm("template", "vc", CHART, "--namespace=team-x", f"--kube-version={host}", *args)
    assert result.returncode == 0, result.stderr
    return result.stdout


def template(host: str, *args: object) -> list[Document]:
    """Return the same as objects."""
    return [document for document in yaml.safe_load_all(rendered(host, *args)) if document]


def pods(documents: list[Document]) -> dict[str, Document]:
    """Return what is or makes a pod as pods: name → metadata and spec."""
    found = {}
    for each in documents:
        pod = each if each["kind"] == "Pod" else each.get("spec", {}).get("template", {})
        if "containers" in (pod.get("spec") or {}):
            found[str(each["metadata"]["name"])] = pod
    return found
