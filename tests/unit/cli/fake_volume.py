"""The volume of a virtual cluster, who has it, and what the host's controllers do about that."""

from __future__ import annotations

import sys
from pathlib import Path

from syncer.kube.objects import Obj
from tests.unit.cli.fakes import LABELS, READY, Served
from tests.unit.fake_faults import Asked
from tests.unit.fake_objects import Place
from tests.unit.k3s_state import State

RUNNING = {"phase": "Running", "containerStatuses": [{"name": "restore", "state": {"running": {}}}]}


class Volume:
    """The volume of the virtual cluster, and who has it: k3s, or whoever puts a backup in place."""

    def __init__(self, directory: Path, host: Served) -> None:
        self.data_dir = directory / "data"
        self.data_dir.mkdir()
        self.host = host
        self.seen: list[str] = []
        """What went on, in order."""
        self.k3s: State | None = None
        host.api.containers["dev-0", "syncer"] = self._in_syncer
        host.api.containers["dev-restore", "restore"] = self.in_restore
        host.api.between.append(self._controllers)

    def _in_syncer(self, command: list[str]) -> list[str]:
        self.seen.append("backup")
        return self._here(command)

    def in_restore(self, command: list[str]) -> list[str]:
        assert self.k3s is None or self.pod() is None, "two have the volume"
        self.seen.append("restore")
        return self._here(command)

    def _here(self, command: list[str]) -> list[str]:
        assert command[:3] == ["python3", "-m", "syncer"]
        return [sys.executable, *command[1:]]

    def pod(self, name: str = "dev-0") -> Obj | None:
        return self.host.api.objects.find("pods", "team-x", name)

    def _controllers(self, asked: Asked) -> None:
        """Do what the host's controllers and kubelets do."""
        objects = self.host.api.objects
        found = objects.find("statefulsets", "team-x", "dev")
        if found and found["spec"]["replicas"] == 0 and self.pod():
            objects.remove(place("dev-0"))
            self.seen.append("stopped")
        if found and found["spec"]["replicas"] == 1 and not self.pod():
            objects.create("pods", "team-x", {"metadata": _named("dev-0"), "status": READY})
            self.seen.append("started")
        if (asked.method, asked.resource) == ("POST", "pods") and (pod := self.pod("dev-restore")):
            pod["status"] = RUNNING


def _named(name: str) -> Obj:
    return {"name": name, "labels": LABELS}


def place(name: str, kind: str = "pods") -> Place:
    """Return where something of the virtual cluster's stands on the host."""
    return Place(kind, "team-x", name)
