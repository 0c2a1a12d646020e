"""Installs the chart as a user would, tells what it waits for, and says why when it fails."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

from lab.cache import digest, tree_digest
from lab.errors import LabError
from lab.job_base import Host
from lab.paths import REPO
from lab.progress import Progress, Task
from lab.run import output

CHART = REPO / "charts" / "virtualcluster"
TIMEOUT = "5m"
MADE_BY_UP = "virtualcluster.dev/made-by-scripts-up"


class Release:
    """The release of the chart in a host cluster."""

    def __init__(self, progress: Progress, host: Host, name: str, namespace: str) -> None:
        self.progress = progress
        self.host = host
        self.name = name
        self.namespace = namespace

    def kubectl(self, *args: str) -> str:
        """Run kubectl against the host cluster and return what it prints."""
        return output([self.host.tool("kubectl"), *args], env=self.host.environment)

    def helm(self, *args: str) -> str:
        """Run helm against the host cluster and return what it prints."""
        command = [self.host.tool("helm"), "--namespace", self.namespace, *args]
        return output(command, env=self.host.environment)

    def install(self) -> None:
        """Install or upgrade, unless what is installed is just this and healthy."""
        wanted = f"scripts/up chart {digest(tree_digest(CHART))} images {digest(self.host.images)}"
        found = self._installed()
        if found == wanted and self._ready():
            self.progress.say(f"release {self.name} is installed and ready")
            return
        self._make_namespace()
        with self.progress.task(f"helm upgrade --install {self.name}") as task:
            command = ["upgrade", "--install", self.name, str(CHART), "--description", wanted]
            with _Watcher(self, task):
                try:
                    self.helm(*command, "--wait", "--timeout", TIMEOUT)
                    if found and found.partition("images")[2] != wanted.partition("images")[2]:
                        self._restart()
                except LabError as error:
                    raise LabError(f"{error}\n{self.diagnosis()}") from None

    def remove(self) -> None:
        """Delete the release, and the namespace if `install` made it."""
        if self._installed() is not None:
            with self.progress.task(f"helm delete {self.name}"):
                self.helm("delete", self.name, "--wait", "--timeout", TIMEOUT)
        mine = ("get", "namespaces", f"--selector={MADE_BY_UP}=true", "-o=name")
        if f"namespace/{self.namespace}" in self.kubectl(*mine).split():
            with self.progress.task(f"deleting namespace {self.namespace}"):
                self.kubectl("delete", "namespace", self.namespace, "--wait")

    def pods(self) -> list[dict[str, Any]]:
        """Return the pods of the namespace."""
        found: list[dict[str, Any]] = json.loads(
            self.kubectl("get", "pods", "--namespace", self.namespace, "-o=json")
        )["items"]
        return found

    def diagnosis(self) -> str:
        """Return what a person would look at after a failure: pods, warnings, logs."""
        space = ("--namespace", self.namespace)
        parts = ["pods:", self._try("get", "pods", *space, "-o=wide")]
        events = (
            "get",
            "events",
            *space,
            "--field-selector=type=Warning",
            "--sort-by=lastTimestamp",
        )
        warnings = self._try(*events, "--no-headers").splitlines()[-12:]
        parts += ["warnings:", *(warnings or ["(none)"])]
        for pod, container in unready(self.pods()):
            for args in ((), ("--previous",)):
                log = self._try("logs", pod, *space, f"--container={container}", "--tail=25", *args)
                if log:
                    parts += [f"log of {pod}/{container} {' '.join(args)}:", log]
        return "\n".join(parts)

    def _make_namespace(self) -> None:
        # By name and not by --create-namespace, so that `down` knows whose namespace it is.
        if not self.kubectl("get", "namespace", self.namespace, "--ignore-not-found"):
            self.kubectl("create", "namespace", self.namespace)
            self.kubectl("label", "namespace", self.namespace, f"{MADE_BY_UP}=true")

    def _installed(self) -> str | None:
        """Return the description of the release; "" if it is not well, None without one."""
        releases = json.loads(self.helm("list", "--all", "--filter", f"^{self.name}$", "-o=json"))
        if not releases:
            return None
        if releases[0]["status"] != "deployed":
            return ""
        info = json.loads(self.helm("status", self.name, "-o=json"))["info"]
        return str(info.get("description", ""))

    def _ready(self) -> bool:
        pod = next((p for p in self.pods() if p["metadata"]["name"] == f"{self.name}-0"), None)
        return pod is not None and not list(unready([pod]))

    def _restart(self) -> None:
        """Let the pod start anew: its images changed, but not their tags."""
        self.kubectl("delete", "pod", f"{self.name}-0", "--namespace", self.namespace, "--wait")
        rollout = ("rollout", "status", f"statefulset/{self.name}", f"--timeout={TIMEOUT}")
        self.kubectl(*rollout, "--namespace", self.namespace)

    def _try(self, *args: str) -> str:
        try:
            return self.kubectl(*args)
        except LabError:
            return ""


class _Watcher:
    """Says what the pods are at, whenever that changes, while a block runs."""

    def __init__(self, release: Release, task: Task) -> None:
        self._release = release
        self._task = task
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        said: dict[str, str] = {}
        while not self._end.wait(1.0):
            try:
                now = {p["metadata"]["name"]: state(p) for p in self._release.pods()}
            except (LabError, subprocess.SubprocessError, ValueError):
                continue
            for name, text in now.items():
                if said.get(name) != text:
                    self._release.progress.say(f"  {name}: {text}")
            said = now
            self._task.note("; ".join(f"{n}: {t}" for n, t in now.items()))


def state(pod: dict[str, Any]) -> str:
    """Return a pod's state in a few words, as `kubectl get pods` has it, with the reason."""
    status = pod.get("status", {})
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind, ()):
            current = container["state"]
            waiting, ended = current.get("waiting"), current.get("terminated")
            if waiting and waiting.get("reason") not in ("PodInitializing", "ContainerCreating"):
                return f"{container['name']} {waiting.get('reason')} {waiting.get('message', '')}"
            if kind == "initContainerStatuses" and not ended:
                return f"init container {container['name']}"
    containers = status.get("containerStatuses", ())
    ready = sum(c["ready"] for c in containers)
    total = len(pod["spec"]["containers"])
    return f"{status.get('phase', 'Pending')}, {ready} of {total} containers ready"


def unready(pods: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for pod in pods:
        status = pod.get("status", {})
        for container in status.get("initContainerStatuses", ()):
            if container["state"].get("terminated", {}).get("exitCode") != 0:
                yield pod["metadata"]["name"], container["name"]
        statuses = {c["name"]: c["ready"] for c in status.get("containerStatuses", ())}
        for name in (c["name"] for c in pod["spec"]["containers"]):
            if not statuses.get(name):
                yield pod["metadata"]["name"], name
