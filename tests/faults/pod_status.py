"""What kubelets report of pods whose containers run, or have done their work."""

from __future__ import annotations

import time

from tests.e2e.cluster import Obj

IMAGE_ID = "sha256:" + "a" * 64


def now() -> str:
    """Return the time as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _conditions(**types: bool) -> list[Obj]:
    return [
        {"type": name, "status": str(value), "lastTransitionTime": now()}
        for name, value in types.items()
    ]


def running(pod: Obj, address: str) -> Obj:
    """Return the status of a pod whose containers all run."""
    init = [
        _container(each, {"terminated": _end()}) for each in pod["spec"].get("initContainers") or ()
    ]
    return {
        "phase": "Running",
        "startTime": now(),
        "hostIP": "10.254.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": _conditions(
            PodScheduled=True, Initialized=True, ContainersReady=True, Ready=True
        ),
        **({"initContainerStatuses": init} if init else {}),
        "containerStatuses": [
            _container(each, {"running": {"startedAt": now()}})
            for each in pod["spec"]["containers"]
        ],
    }


def ended(pod: Obj) -> Obj:
    """Return the status of a pod whose containers have all done their work."""
    return {
        "phase": "Succeeded",
        "conditions": _conditions(
            PodScheduled=True, Initialized=True, ContainersReady=False, Ready=False
        ),
        "containerStatuses": [
            _container(each, {"terminated": _end()}) for each in pod["spec"]["containers"]
        ],
    }


def _end() -> Obj:
    return {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}


def _container(container: Obj, state: Obj) -> Obj:
    runs = "running" in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": IMAGE_ID,
        "containerID": f"containerd://{'b' * 64}",
        "restartCount": 0,
        "ready": runs,
        "started": runs,
        "state": state,
    }
