"""Plays scheduler and kubelet for the host's pods, and the provisioner for its claims.

What it does to a pod is what they do: bind, report Running, report the end of what does not run for
ever, and remove a deleted pod when its processes would be gone. It counts how often the work of a
virtual pod was begun: that must never be twice.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import Counter
from typing import Self

from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.e2e.following import Following
from tests.e2e.release import virt_uid
from tests.faults.pod_status import ended, now, running

NODES = ("node-1", "node-2")
GONE = (404, 409)


class Player:
    """Moves the pods of the host on; everything happens in one thread, in order of arrival."""

    def __init__(self, api: Cluster) -> None:
        self.begun: Counter[str] = Counter()
        """How often each virtual UID's containers were started."""
        self.paused = threading.Event()
        """Set: nothing is moved on, as with kubelets that are away."""
        self.holds_ends = threading.Event()
        """Set: deleted pods stay, as if their processes took that long to end."""
        self.error: Exception | None = None
        self._api = api
        self._inbox: queue.Queue[tuple[str, Obj] | None] = queue.Queue()
        self._waiting: list[tuple[str, Obj]] = []
        self._started: set[str] = set()
        self._next = 0
        self._following = [
            Following(api, kind, self._put) for kind in ("Pod", "PersistentVolumeClaim")
        ]
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)

    def start(self) -> Self:
        """Begin."""
        for name in NODES:
            self._api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        for each in self._following:
            each.open()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End."""
        self._inbox.put(None)
        for each in self._following:
            each.end()
        for each in self._following:
            each.close()
        self._thread.join(10)

    def _put(self, change: str, obj: Obj) -> None:
        if change != "DELETED":
            self._inbox.put((change, obj))

    def _play(self) -> None:
        try:
            while True:
                with contextlib.suppress(queue.Empty):
                    item = self._inbox.get(timeout=0.1)
                    if item is None:
                        return
                    self._waiting.append(item)
                waiting, self._waiting = self._waiting, []
                for change, obj in waiting:
                    if self.paused.is_set() or not self._move(obj):
                        self._waiting.append((change, obj))
        except Exception as error:  # noqa: BLE001  told by the run: see Pair.check
            self.error = error

    def _move(self, obj: Obj) -> bool:
        """Do what is next for it; tell whether that is done, or nothing."""
        try:
            if "accessModes" in obj["spec"]:
                self._provide(obj)
                return True
            return self._pod(obj)
        except ApiError as error:
            if error.status not in GONE:
                raise
            return True  # it changed meanwhile: the change arrives too

    def _pod(self, pod: Obj) -> bool:
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            if self.holds_ends.is_set():
                return False
            self._api.request(
                "DELETE",
                self._path(pod),
                {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}},
            )
        elif not pod["spec"].get("nodeName"):
            self._bind(pod)
        elif pod.get("status", {}).get("phase", "Pending") == "Pending":
            if meta["uid"] not in self._started:
                self._started.add(meta["uid"])
                self.begun[virt_uid(pod)] += 1
            self._report(pod, running(pod, self._address()))
        elif pod["status"]["phase"] == "Running" and pod["spec"].get("restartPolicy") != "Always":
            self._report(pod, ended(pod))
        return True

    def _path(self, pod: Obj, sub: str = "") -> str:
        meta = pod["metadata"]
        path = self._api.path("Pod", meta["namespace"], meta["name"])
        return f"{path}/{sub}" if sub else path

    def _bind(self, pod: Obj) -> None:
        self._next += 1
        node = NODES[self._next % len(NODES)]
        meta = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}
        self._api.request("POST", self._path(pod, "binding"), binding)
        self._tell(pod, "Scheduled", f"Successfully assigned {meta['name']} to {node}")

    def _tell(self, pod: Obj, reason: str, message: str) -> None:
        meta = pod["metadata"]
        about = {key: meta[key] for key in ("name", "namespace", "uid")}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{meta['uid']}", "namespace": meta["namespace"]},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", **about},
            "type": "Normal",
            "reason": reason,
            "message": message,
            "source": {"component": "default-scheduler"},
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        }
        self._api.create(event)

    def _report(self, pod: Obj, status: Obj) -> None:
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        self._api.patch("Pod", meta["name"], meta["namespace"], patch, sub="status")

    def _address(self) -> str:
        self._next += 1
        return f"10.129.{self._next // 250 % 250}.{self._next % 250 + 1}"

    def _provide(self, claim: Obj) -> None:
        """Make a volume for a new claim; the host's own controller binds the two."""
        meta = claim["metadata"]
        if claim.get("status", {}).get("phase") != "Pending" or meta.get("deletionTimestamp"):
            return
        reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        spec = {
            "capacity": claim["spec"]["resources"]["requests"],
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/volumes/{meta['uid']}"},
            "claimRef": {**reference, **{k: meta[k] for k in ("name", "namespace", "uid")}},
        }
        volume = {"metadata": {"name": f"pv-{meta['uid']}"}, "spec": spec}
        self._api.create({"apiVersion": "v1", "kind": "PersistentVolume", **volume})
