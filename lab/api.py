"""Just enough of a Kubernetes client to bring a cluster up: get, apply, wait."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.errors import LabError

Obj = dict[str, Any]

# Kinds that every lab's add-ons use: where the API server keeps them, and whether in a namespace.
# Of other kinds the server is asked.
_PLACES = {
    "Namespace": ("api/v1", "namespaces", False),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "ConfigMap": ("api/v1", "configmaps", True),
    "Service": ("api/v1", "services", True),
    "Deployment": ("apis/apps/v1", "deployments", True),
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses", False),
}


class Api:
    """The API server of a lab, by its admin's kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._address = urlsplit(cluster["server"]).netloc
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=ca)
        pair = b"".join(
            base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")
        )
        with tempfile.NamedTemporaryFile() as file:  # ssl loads a client's pair from files only
            file.write(pair)
            file.flush()
            self._tls.load_cert_chain(file.name)

    def request(self, method: str, path: str, body: Obj | None = None) -> Obj:
        """Send one request; an answer of 400 or more is a LabError with the server's message."""
        connection = http.client.HTTPSConnection(self._address, timeout=10, context=self._tls)
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:
            raise LabError(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text) if text.startswith("{") else {"text": text}

    def get(self, path: str) -> Obj:
        """Return the object at a path."""
        return self.request("GET", path)

    def apply(self, obj: Obj) -> None:
        """Create an object or bring it to what is given."""
        self.request("PATCH", f"{self.path(obj)}?fieldManager=lab&force=true", obj)

    def path(self, obj: Obj) -> str:
        """Return where the API server keeps an object."""
        prefix, plural, namespaced = _PLACES.get(obj["kind"]) or self._ask(obj)
        meta = obj["metadata"]
        space = f"namespaces/{meta['namespace']}/" if namespaced else ""
        return f"/{prefix}/{space}{plural}/{meta['name']}"

    def _ask(self, obj: Obj) -> tuple[str, str, bool]:
        version, kind = obj["apiVersion"], obj["kind"]
        prefix = f"apis/{version}" if "/" in version else f"api/{version}"
        for each in self.get(f"/{prefix}").get("resources", ()):
            if each["kind"] == kind and "/" not in each["name"]:
                return prefix, each["name"], each["namespaced"]
        raise LabError(f"the API server knows no {kind} of {version}")

    def answers(self, path: str) -> bool:
        """Tell whether a GET succeeds just now."""
        try:
            self.get(path)
        except (OSError, LabError, http.client.HTTPException):
            return False
        return True


def wait(what: str, seconds: float, done: Callable[[], bool], check: Callable[[], None]) -> None:
    """Wait until `done`; `check` may refuse to wait on, e.g. because a process has died."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except (OSError, LabError, http.client.HTTPException):
            pass  # not yet; the deadline decides
        check()
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.15)
