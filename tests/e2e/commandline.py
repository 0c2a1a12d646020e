"""`virtualcluster`, run as its users run it: a program with a kubeconfig and a home of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.release import CHART, K3S_IMAGE, SYNCER_IMAGE
from tests.e2e.shell import Done, Program

USABLE = 240.0  # seconds; it takes 20, and several at once on two cores a multiple of that
IMAGES = [
    *([f"--set=syncer.image={SYNCER_IMAGE}"] if SYNCER_IMAGE else []),
    *([f"--set=virtualCluster.image={K3S_IMAGE}"] if K3S_IMAGE else []),
]


class CommandLine:
    """The command line of one user; `host` is their own copy of a kubeconfig."""

    def __init__(self, kubeconfig: Path, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.host = home / "kubeconfig"
        self.host.write_bytes(kubeconfig.read_bytes())
        self.host.chmod(0o600)
        self.state = home / "state"
        env = {
            "XDG_STATE_HOME": str(self.state),
            **{f"HELM_{part}_HOME": str(home / part) for part in ("CACHE", "CONFIG", "DATA")},
        }
        self._program = Program(sys.executable, self.host, env)
        self.kubectl = Program("kubectl", self.host)

    def __call__(self, *args: str, check: bool = True, timeout: float = USABLE + 60) -> Done:
        """Run a command to its end."""
        command = ("-m", "virtualcluster_cli", *args)
        return self._program(*command, check=check, timeout=timeout)

    def data(self, *args: str, check: bool = True) -> Any:
        """Run a command that prints JSON; return what it printed."""
        return json.loads(self(*args, "-o", "json", check=check).out)

    def create(self, name: str, namespace: str, *args: str, check: bool = True) -> Done:
        """Create a virtual cluster from the chart of this clone."""
        flags = ("--chart", str(CHART), "--timeout", f"{USABLE:.0f}", *IMAGES, *args)
        return self("create", name, "-n", namespace, *flags, check=check)

    def processes(self) -> list[int]:
        """Return the processes that keep its port-forwards, found by what they were started for."""
        mark = str(self.state).encode()
        return [
            pid
            for pid, argv in _arguments()
            if b"virtualcluster_cli.forwarder" in argv and any(mark in each for each in argv)
        ]

    @contextmanager
    def connected(self, name: str, namespace: str, *args: str) -> Iterator[Program]:
        """Give kubectl, inside, as long as a block; nothing may be left afterwards."""
        self("connect", name, "-n", namespace, *args)
        try:
            yield self.kubectl
        finally:
            self("disconnect", name, "-n", namespace)
            assert self.processes() == []


def _arguments() -> Iterator[tuple[int, list[bytes]]]:
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                argv = (directory / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            yield int(directory.name), argv
