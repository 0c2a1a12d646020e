"""Kills a process of the control plane while the suite runs: no result may depend on it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from tests.conformance.installation import Installation
from tests.e2e.cluster import ApiError, Unreachable
from tests.e2e.processes import container_id, first_process, kill

CONTAINERS = {"syncer": "syncer", "k3s": "virtual-cluster"}
# A kubelet forgets a container's earlier ends when it has run for ten minutes; sooner, it waits
# longer each time before it starts it again, and that wait is not what is tested.
INTERVAL = 660.0
FIRST = 90.0
# While k3s restarts there is no API server to speak to, and specs end at the first refusal: those
# are run again. Nothing is forgiven when the syncer was killed: the virtual API is there all along.
AWAY = {"syncer": 0.0, "k3s": 45.0}


class Strikes:
    """When a process was killed, by time.monotonic()."""

    def __init__(self, what: str | None) -> None:
        self.what = what
        self.times: list[float] = []

    def excuse(self, begin: float, end: float) -> bool:
        """Tell whether the API server was away between two times."""
        away = AWAY.get(self.what or "", 0.0)
        return away > 0 and any(begin <= at + away and at <= end for at in self.times)


@contextlib.contextmanager
def disturbing(
    installation: Installation, what: str | None, say: Callable[[str], None]
) -> Iterator[Strikes]:
    """Kill the container's first process now and then while the block runs."""
    strikes = Strikes(what)
    if what is None:
        yield strikes
        return
    over = threading.Event()

    def run() -> None:
        wait = FIRST
        while not over.wait(wait):
            strikes.times.append(time.monotonic())
            say(_strike(installation, CONTAINERS[what]))
            wait = INTERVAL

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield strikes
    finally:
        over.set()
        thread.join(timeout=30)


def _strike(installation: Installation, container: str) -> str:
    try:
        pod = installation.api.get("Pod", installation.pod, installation.namespace)
        process = first_process(container_id(pod, container))
        if process is None:
            return f"disturbing: no process of {container} is visible"
        kill(process)
    except (ApiError, Unreachable, AssertionError, ProcessLookupError) as error:
        return f"disturbing: {container} was not killed: {error}"
    return f"disturbing: killed {container} (process {process})"
