"""Where the chart comes from, and which presets it has."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from virtualcluster_cli.errors import NotFound, Trouble
from virtualcluster_cli.helm import Helm

VARIABLE = "VIRTUALCLUSTER_CHART"


class Chart(NamedTuple):
    """A chart that is there as files."""

    directory: Path

    @property
    def version(self) -> str:
        """Return its version."""
        return str(yaml.safe_load((self.directory / "Chart.yaml").read_text())["version"])

    def preset(self, kubernetes: str) -> Path:
        """Return the values file for a Kubernetes minor; raise NotFound, naming those there are."""
        minor = ".".join(kubernetes.removeprefix("v").split(".")[:2])
        file = self.directory / "values" / f"{minor}.yaml"
        if not file.exists():
            there = sorted(
                (each.stem for each in (self.directory / "values").glob("*.yaml")),
                key=lambda stem: [int(part) for part in stem.split(".") if part.isdigit()],
            )
            raise NotFound(
                f"the chart has no preset for Kubernetes {kubernetes}",
                f"there are {', '.join(there)}; for another set virtualCluster.image in a"
                " values file",
            )
        return file


@contextlib.contextmanager
def found(helm: Helm, chart: str, repository: str, version: str) -> Iterator[Chart]:
    """Give the chart: named, pulled from a repository, or of the clone that one is in."""
    chart = chart or ("" if repository else os.environ.get(VARIABLE, ""))
    if chart and not repository and Path(chart).is_dir():
        yield _checked(Path(chart))
    elif chart or repository:
        with tempfile.TemporaryDirectory(prefix="virtualcluster-") as directory:
            helm.pull(chart or "virtualcluster", repository, version, Path(directory))
            (pulled,) = (each for each in Path(directory).iterdir() if each.is_dir())
            yield _checked(pulled)
    else:
        yield _of_clone()


def _of_clone() -> Chart:
    for directory in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        chart = directory / "charts" / "virtualcluster"
        if (chart / "Chart.yaml").exists():
            return _checked(chart)
    raise NotFound(
        "no chart is set",
        "pass --chart with its directory, archive or oci:// address, or --repo with the address of"
        f" a repository, or set {VARIABLE}",
    )


def _checked(directory: Path) -> Chart:
    file = directory / "Chart.yaml"
    name = yaml.safe_load(file.read_text()).get("name") if file.exists() else None
    if name != "virtualcluster":
        raise Trouble(f"{directory} is not the virtualcluster chart", "pass another --chart")
    return Chart(directory)
