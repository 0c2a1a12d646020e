"""Shows that a virtual cluster works: a workload made through its API, running and reached."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lab.errors import LabError
from lab.job_install import Release
from lab.progress import Progress
from lab.run import output

PATIENCE = 120.0
GREETING = "hello from inside the virtual cluster"
_LABELS = {"app": "hello"}
_SERVE = f"""
mkdir /tmp/www && echo {GREETING} > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www
"""

# busybox is in the lab, and any cluster with a registry can pull it by this name.
WORKLOAD = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "hello", "namespace": "default"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": _LABELS},
                "template": {
                    "metadata": {"labels": _LABELS},
                    "spec": {
                        "terminationGracePeriodSeconds": 1,
                        "containers": [
                            {
                                "name": "hello",
                                "image": "busybox:1.36",
                                "command": ["sh", "-c"],
                                "args": [_SERVE],
                                "ports": [{"containerPort": 8080}],
                                "readinessProbe": {
                                    "httpGet": {"path": "/", "port": 8080},
                                    "periodSeconds": 1,
                                },
                            },
                        ],
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "hello", "namespace": "default"},
            "spec": {"selector": _LABELS, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ],
}


def show(progress: Progress, release: Release) -> None:
    """Run a workload in the virtual cluster, reach it, print what a person wants to see."""
    with tempfile.TemporaryDirectory() as directory, _api(release) as port:
        kubeconfig = Path(directory) / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(release))
        virt = _Virtual(release, kubeconfig, port)
        with progress.task("a workload inside the virtual cluster") as task:
            virt.wait("the virtual API", "get", "--raw=/readyz")
            workload = Path(directory) / "workload.json"
            workload.write_text(json.dumps(WORKLOAD))
            virt.wait("creating it", "apply", f"--filename={workload}")
            task.note("waiting for its pod")
            try:
                timeout = f"--timeout={PATIENCE:.0f}s"
                virt.kubectl("rollout", "status", "deployment/hello", timeout)
            except LabError as error:
                raise LabError(f"{error}\n{_diagnosis(virt, release)}") from None
            task.note("reaching it over HTTP")
            answer = virt.fetch("service/hello", 80)
        _print(release, virt, answer)


class _Virtual:
    """The API of the virtual cluster, through a port of this machine."""

    def __init__(self, release: Release, kubeconfig: Path, port: int) -> None:
        self._release = release
        tool = release.host.tool("kubectl")
        server = f"--server=https://127.0.0.1:{port}"
        self.command = [tool, f"--kubeconfig={kubeconfig}", server]

    def kubectl(self, *args: str) -> str:
        return output([*self.command, *args])

    def wait(self, what: str, *args: str) -> None:
        """Repeat a command until it succeeds."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.kubectl(*args)
            except LabError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"{what}: {error}") from None
                time.sleep(0.5)
            else:
                return

    def fetch(self, target: str, port: int) -> str:
        """Return what answers at a port of a Service or pod of the virtual cluster."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with _forward([*self.command, "port-forward", target, f":{port}"]) as local:
                    url = f"http://127.0.0.1:{local}/"
                    with urllib.request.urlopen(url, timeout=5) as answer:
                        return str(answer.read().decode().strip())
            except (OSError, LabError) as error:
                if time.monotonic() > deadline:
                    raise LabError(f"{target} does not answer: {error}") from None
                time.sleep(0.5)


@contextlib.contextmanager
def _api(release: Release) -> Iterator[int]:
    kubectl = [release.host.tool("kubectl"), f"--kubeconfig={release.host.kubeconfig}"]
    forward = ["port-forward", f"--namespace={release.namespace}", f"{release.name}-0", ":8443"]
    with _forward([*kubectl, *forward]) as port:
        yield port


@contextlib.contextmanager
def _forward(command: list[str]) -> Iterator[int]:
    """Run `kubectl port-forward` on a free port of this machine and yield the port."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            yield _port(process.stdout, errors)
        finally:
            process.terminate()
            process.wait()


def _port(out: IO[str], errors: IO[str]) -> int:
    found = re.search(r"127\.0\.0\.1:(\d+)", out.readline())
    if found is None:
        errors.seek(0)
        raise LabError(f"port-forward: {errors.read().strip()}")
    return int(found[1])


def _kubeconfig(release: Release) -> str:
    pod = (f"{release.name}-0", f"--namespace={release.namespace}", "--container=syncer")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return release.kubectl("exec", *pod, "--", "cat", "/root/.kube/config") + "\n"
        except LabError as error:
            if time.monotonic() > deadline:
                raise LabError(f"no kubeconfig: {error}\n{release.diagnosis()}") from None
            time.sleep(0.5)


def _diagnosis(virt: _Virtual, release: Release) -> str:
    parts = []
    for args in (("get", "pods,nodes", "-o=wide"), ("get", "events")):
        with contextlib.suppress(LabError):
            parts.append(virt.kubectl(*args))
    return "\n".join(["inside the virtual cluster:", *parts, "on the host:", release.diagnosis()])


def _print(release: Release, virt: _Virtual, answer: str) -> None:
    pod, space = f"{release.name}-0", f"-n {release.namespace}"
    connect = [
        *release.host.setup,
        f"kubectl get pods {space}",
        f"kubectl exec {pod} {space} -c syncer -- cat /root/.kube/config > kubeconfig.yaml",
        f"kubectl port-forward {pod} {space} 8443:8443        # leave it running; then, elsewhere:",
        "kubectl --kubeconfig kubeconfig.yaml get namespaces",
        "kubectl --kubeconfig kubeconfig.yaml get pods --all-namespaces",
    ]
    space_pods = release.kubectl("get", "pods", f"--namespace={release.namespace}")
    sections = {
        "In the virtual cluster: kubectl get namespaces": virt.kubectl("get", "namespaces"),
        "kubectl get pods,services -o wide": virt.kubectl("get", "pods,services", "-o=wide"),
        "Its Service, over HTTP": answer,
        f"On the host: kubectl get pods {space}": space_pods,
        "Connect and use it": "\n".join(connect),
        "Delete it": f"helm delete {release.name} {space}        # the virtual cluster only\n"
        "scripts/down        # all that scripts/up made",
    }
    for title, text in sections.items():
        body = "\n".join(f"    {line}" for line in text.splitlines())
        print(f"\n{title}\n{body}", flush=True)
