"""What the main job tells while it waits, and whose logs it shows after a failure."""

from typing import Any

import pytest

from lab.job_install import state, unready
from lab.progress import span


def pod(init: list[Any] | None = None, containers: list[Any] | None = None) -> dict[str, Any]:
    names = ("virtual-cluster", "syncer")
    return {
        "metadata": {"name": "vc-0"},
        "spec": {"containers": [{"name": name} for name in names]},
        "status": {
            "phase": "Pending" if init else "Running",
            "initContainerStatuses": init or [],
            "containerStatuses": containers or [],
        },
    }


def container(name: str, state: dict[str, Any], *, ready: bool = False) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": ready}


DISCOVERED = container("discover", {"terminated": {"exitCode": 0}})
FAILED = container("discover", {"terminated": {"exitCode": 1}})
RUNNING: dict[str, Any] = {"running": {}}
NO_IMAGE = {"waiting": {"reason": "ErrImageNeverPull", "message": "no such image"}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pod(), "0 of 2 containers ready"),
        (pod([container("discover", RUNNING)]), "init container discover"),
        (pod([DISCOVERED], [container("syncer", NO_IMAGE)]), "syncer ErrImageNeverPull no such"),
        (pod([DISCOVERED], [container("syncer", RUNNING, ready=True)]), "1 of 2 containers ready"),
    ],
)
def test_a_pods_state_names_what_it_waits_for(given: dict[str, Any], said: str) -> None:
    assert said in state(given)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (pod([FAILED]), {"discover", "virtual-cluster", "syncer"}),
        (pod([DISCOVERED], [container("syncer", RUNNING, ready=True)]), {"virtual-cluster"}),
        (
            pod(
                [DISCOVERED],
                [
                    container("syncer", RUNNING, ready=True),
                    container("virtual-cluster", RUNNING, ready=True),
                ],
            ),
            set(),
        ),
    ],
)
def test_the_logs_of_what_is_not_ready_are_shown(given: dict[str, Any], shown: set[str]) -> None:
    assert {name for _, name in unready([given])} == shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (9.9, "9.9s"), (59.4, "59s"), (61, "1m01s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert span(seconds) == text
