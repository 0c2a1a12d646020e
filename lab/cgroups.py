"""Cgroups: a place of its own for every node's pods, and the list of processes that are a lab's.

Two kubelets on one cgroup root kill each other's pods. Everything that a lab starts stays inside
the lab's cgroup, whoever its parent is: that makes `down` exact without trusting a process id.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from lab.errors import LabError

ROOT = Path("/sys/fs/cgroup")
PATIENCE = 20.0  # a process in an uninterruptible sleep takes a while to die


def hierarchies() -> list[Path]:
    """Return every mounted hierarchy: one with cgroup v2, several with v1 or both."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return sorted(p for p in ROOT.iterdir() if (p / "cgroup.procs").exists() and not p.is_symlink())


def _tracking() -> Path:
    """Return the hierarchy in which the lab's daemons are put: any will do, but always the same."""
    for name in ("pids", "systemd"):
        if (ROOT / name / "cgroup.procs").exists():
            return ROOT / name
    return ROOT


class Cgroups:
    """The cgroups of one lab, all below `/vclab-<name>`, or of something else below `/<top>`."""

    def __init__(self, name: str, top: str = "") -> None:
        self.top = top or f"vclab-{name}"

    def node_root(self, number: int) -> str:
        """Return the kubelet's `cgroupRoot` of a node, made in every hierarchy."""
        return self.everywhere(f"node-{number}")

    def everywhere(self, part: str) -> str:
        """Make a cgroup in every hierarchy; return its path."""
        path = f"{self.top}/{part}"
        for hierarchy in hierarchies():
            _make(hierarchy, path)
        return f"/{path}"

    def daemon(self, process: str) -> Path:
        """Return the cgroup directory into which a daemon goes before it is executed."""
        return _make(_tracking(), f"{self.top}/daemons/{process}")

    def node(self, number: int) -> tuple[str, ...]:
        """Return the cgroups of all that runs on a node, below the lab's own."""
        daemons = ("containerd", "kubelet", "kube-proxy")
        return (f"node-{number}", *(f"daemons/{name}-{number}" for name in daemons))

    def processes(self, *parts: str) -> set[int]:
        """Return every process in the lab's cgroups, daemons and containers, or in some of them."""
        found: set[int] = set()
        for hierarchy in hierarchies():
            tops = [hierarchy / self.top / part for part in parts or ("",)]
            for directory in (each for top in tops for each in _below(top)):
                with contextlib.suppress(OSError):  # it may go while we look
                    found.update(map(int, (directory / "cgroup.procs").read_text().split()))
        found.discard(0)
        return found

    def kill(self, *parts: str) -> None:
        """End every process of the lab, or in some of its cgroups; wait until none is left."""
        deadline = time.monotonic() + PATIENCE
        while left := self.processes(*parts):
            if time.monotonic() > deadline:
                raise LabError(f"processes {sorted(left)} do not end, even with SIGKILL")
            for pid in left:
                self._kill(pid)
            time.sleep(0.05)

    def _kill(self, pid: int) -> None:
        # The descriptor pins the process, then it is checked to be ours: its number may have gone
        # to another process since the cgroup was read.
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if self.owns(pid):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)

    def owns(self, pid: int) -> bool:
        """Tell whether a process is in one of the lab's cgroups."""
        try:
            lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        except OSError:
            return False
        paths = [line.split(":", 2)[2] for line in lines]
        return any(p == f"/{self.top}" or p.startswith(f"/{self.top}/") for p in paths)

    def remove(self) -> None:
        """Remove the lab's cgroups; they must be empty of processes."""
        for hierarchy in hierarchies():
            for directory in reversed(_below(hierarchy / self.top)):
                _rmdir(directory)


def _below(top: Path) -> list[Path]:
    """Return `top` and all directories below it, parents first."""
    return [Path(path) for path, _, _ in os.walk(top)]


def _make(hierarchy: Path, path: str) -> Path:
    directory = hierarchy
    for part in path.split("/"):
        directory = directory / part
        directory.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            # v1's cpuset starts empty, and no process can enter it until it is filled.
            own = directory / file
            if hierarchy.name == "cpuset" and own.exists() and not own.read_text().strip():
                own.write_text((directory.parent / file).read_text())
    return directory


def _rmdir(directory: Path) -> None:
    for _ in range(100):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # busy: the kernel is still taking the last process out
            time.sleep(0.05)
        else:
            return
    raise LabError(f"cannot remove the cgroup {directory}")
