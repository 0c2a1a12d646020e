"""Which presets the chart has, and which of its values files chart-testing installs on a host."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from lab import k3simages
from lab.paths import REPO

CHART = REPO / "charts" / "virtualcluster"
SEEDS = REPO / "tests" / "chart" / "seeds"
"""Values files that users had before there were presets, one of a version; never to be changed."""
DEFAULTS = "default-values.yaml"
"""The case without values, where the chart finds the preset by the host's version."""


def minors() -> list[str]:
    """Return the host versions that have a preset, the oldest first."""
    return sorted((path.stem for path in (CHART / "values").iterdir()), key=order)


def fast(known: list[str]) -> list[str]:
    """Return of these the versions that every run of all tests covers: both ends, and 1.18.

    1.16 is the one with a tunnel, 1.18 the last whose k3s has passwords, tokens without an end and
    the API of the old families.
    """
    return [minor for minor in known if minor in ("1.16", "1.18", known[-1])]


def order(minor: str) -> tuple[int, ...]:
    """Return what minor versions are sorted by."""
    return tuple(int(part) for part in minor.split("."))


def image(minor: str) -> str:
    """Return the k3s image that the chart takes on a host of this version."""
    return k3simages.tag(minor)


def before(minor: str) -> str:
    """Return the minor that k3s is upgraded from to this one; empty when no preset is as near."""
    major, small = order(minor)
    earlier = f"{major}.{small - 1}"
    return earlier if earlier in minors() else ""


def own(minor: str) -> str:
    """Return the values file of this version's preset, as chart-testing finds it."""
    return f"preset-{minor}-values.yaml"


def users(minor: str) -> list[str]:
    """Return the users' values file of this version, if there is one, as chart-testing finds it."""
    return [_users(path) for path in SEEDS.glob("*.yaml") if path.stem == minor]


def _users(path: Path) -> str:
    return f"users-{path.stem}-values.yaml"


def fit(chart: Path, names: Collection[str]) -> None:
    """Make these values files in a chart's ci/, and leave nothing else there.

    chart-testing installs every values file that it finds there and looks nowhere else. The presets
    are copied: Helm warns about links.
    """
    directory = chart / "ci"
    directory.mkdir(exist_ok=True)
    (directory / DEFAULTS).write_text("{}\n")
    for path in (chart / "values").glob("*.yaml"):
        shutil.copy(path, directory / own(path.stem))
    for path in SEEDS.glob("*.yaml"):
        shutil.copy(path, directory / _users(path))
    for path in directory.iterdir():
        if path.name not in names:
            path.unlink()
