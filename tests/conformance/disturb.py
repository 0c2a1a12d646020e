"""Kills a process of the control plane while the suite runs: no result may depend on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tests.conformance.installation import Installation
from tests.e2e.cluster import ApiError, Unreachable
from tests.e2e.processes import container_id, first_process, kill

CONTAINERS = {"syncer": "syncer", "k3s": "virtual-cluster"}
# A kubelet forgets a container's earlier ends when it has run for ten minutes; sooner, it waits
# longer each time before it starts it again, and that wait is not what is tested.
INTERVAL = 660.0
FIRST = 90.0


@contextlib.contextmanager
def disturbing(
    installation: Installation, what: str | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Kill the container's first process now and then while the block runs."""
    if what is None:
        yield
        return
    over = threading.Event()

    def run() -> None:
        wait = FIRST
        while not over.wait(wait):
            say(_strike(installation, CONTAINERS[what]))
            wait = INTERVAL

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
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
