"""Kills processes of a container, as a node that runs out of memory does: from outside, by SIGKILL.

The lab's nodes share the machine's process ids, so /proc shows which process is in which container.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.cluster import Obj


def container_id(pod: Obj, container: str) -> str:
    """Return the runtime's id of a running container."""
    for each in pod["status"].get("containerStatuses") or ():
        if each["name"] == container and each.get("containerID"):
            return str(each["containerID"]).rpartition("//")[2]
    raise AssertionError(f"container {container} does not run")


def restarts(pod: Obj, container: str) -> int:
    """Return how often a container was restarted."""
    statuses = pod["status"].get("containerStatuses") or ()
    return next((int(each["restartCount"]) for each in statuses if each["name"] == container), 0)


def first_process(container: str) -> int | None:
    """Return the process that is number 1 in a container; None where /proc does not show it."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            if container not in (directory / "cgroup").read_text():
                continue
            status = (directory / "status").read_text()
        except OSError:
            continue  # it ended meanwhile
        numbers = next((x for x in status.splitlines() if x.startswith("NSpid:")), "").split()
        if len(numbers) > 2 and numbers[-1] == "1":
            return int(numbers[1])
    return None


def kill(pid: int) -> None:
    """Send SIGKILL to a process."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Let a process do nothing during the block."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGSTOP)
        try:
            yield
        finally:
            signal.pidfd_send_signal(handle, signal.SIGCONT)
    finally:
        os.close(handle)
