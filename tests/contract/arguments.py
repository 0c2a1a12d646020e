"""The arguments of the servers that are looked at: those of the chart's preset, and a few more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab.k3simages import PRESETS
from tests.contract.server import Process

KUBECONFIG = "/k3s-config/kube-config.yaml"
SERVICES = "--service-cidr=10.96.0.0/12"


@dataclass
class Place:
    """Where a scenario runs: an image, a directory, and whose preset."""

    image: Path
    scratch: Path
    minor: str
    processes: list[Process] = field(default_factory=list)

    @property
    def old(self) -> bool:
        """Tell whether it is of the first family: up to 1.18."""
        return is_old(self.minor)

    def data(self, name: str) -> Path:
        """Return a data directory, which outlives the servers on it."""
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path

    def start(self, data: Path, *argv: str) -> Process:
        """Start `/bin/k3s`."""
        process = Process(self.image, self.scratch, data, "/bin/k3s", *argv)
        self.processes.append(process)
        return process

    def end(self) -> None:
        """End what still runs."""
        for process in self.processes:
            with contextlib.suppress(OSError):
                process.kill()

    def server(self, *more: str, without: Iterable[str] = ()) -> list[str]:
        """Return the arguments of the preset, less some, and more."""
        base = yaml.safe_load((PRESETS / f"{self.minor}.yaml").read_text())
        args = [str(each) for each in base["virtualCluster"]["baseArgs"]]
        args = [each for each in args if each not in without]
        modern = [] if self.old else ["--egress-selector-mode=disabled"]
        return [*args, SERVICES, *modern, *more]


def is_old(minor: str) -> bool:
    """Tell whether a minor is of the first family: up to 1.18."""
    return number(minor) <= 18


def number(minor: str) -> int:
    """Return 18 of 1.18."""
    return int(minor.partition(".")[2])
