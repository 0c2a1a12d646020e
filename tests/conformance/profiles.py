"""The clusters that the suite judges: the host itself, and the chart with more or fewer rights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_VALUES = Path(__file__).with_name("values")


@dataclass(frozen=True)
class Profile:
    """One way to run the suite."""

    name: str
    what: str
    values: Path | None
    """The chart's values; None for the host itself, the control."""
    installer: Path | None = None
    """Rules that the installing user needs beyond the ClusterRole `admin`; None: host's admin."""

    @property
    def virtual(self) -> bool:
        """Tell whether it is a virtual cluster."""
        return self.values is not None


PROFILES = {
    each.name: each
    for each in (
        Profile(
            "default",
            "the chart's defaults in one namespace, installed without a cluster-wide right",
            _VALUES / "default.yaml",
            _VALUES / "default-installer.yaml",
        ),
        Profile("cluster", "the chart with its ClusterRole", _VALUES / "cluster.yaml"),
        Profile("host", "the lab's host itself, as control", None),
    )
}
NAMES = tuple(PROFILES)
