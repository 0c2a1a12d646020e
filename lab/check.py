"""Shows that a host cluster works, whatever its version: what every chart that is installed needs.

Nothing here knows the product. It is what to look at first when the product fails on some host.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import images
from lab.errors import LabError
from lab.run import output

WAIT = "120s"
_WORDS = "the quick brown fox"


@dataclass(frozen=True)
class Probe:
    """A namespace of a cluster, for a moment."""

    kubectl: Path
    kubeconfig: Path
    namespace: str

    def call(self, *args: str) -> str:
        """Return what kubectl prints, or say what it complains of."""
        return output([*self._command, *args])

    def read(self, *args: str) -> Any:
        """Return what `kubectl get` shows."""
        return json.loads(self.call("get", *args, "-o", "json"))

    def apply(self, *objects: Mapping[str, object]) -> None:
        """Create objects."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, file)
            file.flush()
            self.call("apply", "-f", file.name)

    @property
    def _command(self) -> tuple[str | Path, ...]:
        return (self.kubectl, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace)


def check(kubectl: Path, kubeconfig: Path, version: str, say: Callable[[str], None]) -> None:
    """Try everything in a namespace that is removed again; a LabError says what does not work."""
    probe = Probe(kubectl, kubeconfig, f"check-{secrets.token_hex(3)}")
    nodes = _nodes(probe, version)
    say(f"{len(nodes)} nodes are Ready, and every component says {version}")
    probe.call("create", "namespace", probe.namespace)
    try:
        # Without it no pod is admitted.
        probe.call("wait", "serviceaccount/default", "--for=create", f"--timeout={WAIT}")
        probe.apply(_claim(), _service(), *(_pod(node, serves=node == nodes[0]) for node in nodes))
        for node in nodes:
            probe.call("wait", f"pod/{node}", "--for=condition=Ready", f"--timeout={WAIT}")
        say("a pod runs on each node, one of them with a volume")
        for node in nodes:
            _same(f"log of the pod on {node}", probe.call("logs", node), _WORDS)
            _same(f"exec into the pod on {node}", probe.call("exec", node, "--", "hostname"), node)
        say("logs and exec reach each of them")
        for node in nodes:
            found = probe.call("exec", node, "--", *_fetch(probe.namespace))
            _same(f"the Service from {node}", found, _WORDS)
        say("the Service answers by its name from each of them")
    finally:
        probe.call("delete", "namespace", probe.namespace, "--wait=true", f"--timeout={WAIT}")
    say("and all of it can be deleted")


def _nodes(probe: Probe, version: str) -> list[str]:
    said = json.loads(probe.call("get", "--raw=/version"))
    _same("the API server's version", said["gitVersion"], version)
    names = []
    for node in probe.read("nodes")["items"]:
        name, info = node["metadata"]["name"], node["status"]["nodeInfo"]
        conditions = {c["type"]: c["status"] for c in node["status"]["conditions"]}
        _same(f"{name} is Ready", conditions.get("Ready"), "True")
        _same(f"the kubelet's version on {name}", info["kubeletVersion"], version)
        names.append(name)
    return names


def _fetch(namespace: str) -> list[str]:
    """Return the command that reads the words as soon as proxies and DNS know the Service."""
    url = f"http://check.{namespace}.svc.cluster.local/words"
    return ["timeout", "60", "sh", "-c", f"until timeout 3 wget -q -O - {url}; do sleep 0.2; done"]


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise LabError(f"{what}: {found!r}, not {wanted!r}")


def _claim() -> dict[str, object]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "check"},
        "spec": spec,
    }


def _service() -> dict[str, object]:
    ports = [{"port": 80, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "check"},
        "spec": {"selector": {"serves": "yes"}, "ports": ports},
    }


def _pod(node: str, *, serves: bool) -> dict[str, object]:
    write = f"echo {_WORDS} | tee /data/words && exec httpd -f -p 8080 -h /data"
    volume = {"persistentVolumeClaim": {"claimName": "check"}} if serves else {"emptyDir": {}}
    container = {
        "name": "check",
        "image": images.BUSYBOX_TAG,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", write],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": node, "labels": {"serves": "yes" if serves else "no"}},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "data", **volume}],
        },
    }
