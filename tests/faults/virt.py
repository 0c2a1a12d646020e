"""The virtual cluster: k3s with the arguments that the chart gives it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from lab.processes import ENVIRONMENT
from tests.e2e.cluster import ApiError, Cluster, Obj, Unreachable
from tests.e2e.waiting import Pending, until
from tests.faults.child import Child

START = 180.0  # seconds, on a machine with much else to do
VOLUME = "768m"


class Virt:
    """k3s on one data directory."""

    def __init__(
        self, state: Path, program: Path, binaries: tuple[Path, ...], version: str
    ) -> None:
        self.state = state
        self.data = state / "data"
        self.written = state / "kube-config.yaml"
        """What k3s writes."""
        self.kubeconfig = state / "admin.json"
        """The same for the tests' own use, which asks k3s and no proxy."""
        logs = state.with_name(f"{state.name}-log")
        for directory in (state, logs):
            directory.mkdir(parents=True)
        # A volume of its own: it can be full without anything else being so.
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "k3s", state], check=True)
        environment = {
            **ENVIRONMENT,
            "PATH": f"{program.parent}:{':'.join(map(str, binaries))}:{ENVIRONMENT['PATH']}",
            "K3S_STAND_IN_BIN": ":".join(map(str, binaries)),
            "K3S_STAND_IN_VERSION": version,
            "K3S_STAND_IN_ETC": str(state / "etc"),
        }
        self._program = program
        self.child = Child("k3s", [], logs, environment)
        self.starts = 0

    def told(self, args: list[str], facts: Obj) -> None:
        """Take over the arguments of the chart, with what the discovery found filled in."""
        places = {"/data": str(self.data), "/k3s-config/kube-config.yaml": str(self.written)}
        self.child.command = [str(self._program)]
        for arg in args:
            for name, value in facts.items():
                arg = arg.replace(f"$({name})", value)  # noqa: PLW2901
            flag, mark, value = arg.partition("=")
            self.child.command.append(f"{flag}{mark}{places.get(value, value)}")

    def start(self) -> None:
        """Start k3s."""
        self.starts += 1
        self.child.start()

    def wait(self, seconds: float = START) -> Cluster:
        """Return the API once it answers with the kubeconfig of this start."""

        def api() -> Cluster:
            if not self.child.runs():
                raise AssertionError(f"k3s has ended:\n{self.child.tail()}")
            config = yaml.safe_load(self.written.read_text())
            if not config:
                raise Pending("an empty kubeconfig")
            self.kubeconfig.write_text(json.dumps(config))
            found = Cluster(self.kubeconfig)
            found.request("GET", "/readyz")
            found.get("Namespace", "kube-system")
            return found

        despite = (Unreachable, ApiError, OSError, yaml.YAMLError, KeyError)
        return until("the virtual API is ready", api, seconds, despite=despite)

    def kill(self) -> None:
        """End it at once, with its API server and its datastore."""
        self.child.kill()

    def stop(self) -> None:
        """End it."""
        self.child.stop()

    def datastore(self, change: Callable[[Path], None]) -> None:
        """Let the data directory be changed while nobody uses it."""
        assert not self.child.runs()
        change(self.data)

    def keep(self, name: str) -> Path:
        """Copy the datastore, as somebody does who backs it up while nothing runs."""
        assert not self.child.runs()
        return Path(shutil.copytree(self.data, self.state / name, symlinks=True))
