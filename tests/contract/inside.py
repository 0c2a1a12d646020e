"""The API of a server, as its admin."""

from __future__ import annotations

import base64
import json
from typing import Any

from kubernetes.config import ConfigException

from tests.contract.arguments import KUBECONFIG
from tests.contract.server import START, Process
from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.e2e.waiting import until

SYSTEM = "/api/v1/namespaces/kube-system"


class Inside:
    """One server's API."""

    def __init__(self, api: Cluster) -> None:
        self.api = api

    def read(self, path: str) -> Any:
        """Return an object or a list; None where there is nothing of that name."""
        try:
            return self.api.json("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def names(self, path: str) -> list[str]:
        """Return the names of a list's objects."""
        found = self.read(path) or {"items": []}
        return sorted(each["metadata"]["name"] for each in found["items"])

    def keep(self, name: str) -> None:
        """Leave an object that the next server must have."""
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self.api.json("POST", f"{SYSTEM}/configmaps", made)

    def kept(self, name: str) -> bool:
        """Tell whether it is there."""
        return self.read(f"{SYSTEM}/configmaps/{name}") is not None

    def issuer(self) -> dict[str, Any]:
        """Return who signs the tokens of service accounts, and for whom."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"{SYSTEM}/serviceaccounts/default/token"

        def token() -> str:
            return str(self.api.json("POST", path, request)["status"]["token"])

        payload = until("a token", token, START, despite=(ApiError,)).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {"issuer": claims["iss"], "audiences": claims["aud"]}


def ready(server: Process, port: int) -> Inside:
    """Wait until a server is ready, by the kubeconfig that it writes."""

    def api() -> Inside | None:
        if not server.runs():
            raise AssertionError(f"k3s has ended: {server.tail()}")
        return found(server, port)

    return until("the server is ready", api, START)


def found(server: Process, port: int) -> Inside | None:
    """Return the API of a server if it is ready."""
    path = server.path(KUBECONFIG)
    try:
        # What is there may be half a file.
        if f":{port}" not in path.read_text():
            return None
        api = Cluster(path)
        api.request("GET", "/readyz")
    except (Unreachable, ApiError, OSError, KeyError, ValueError, ConfigException):
        return None
    return Inside(api)
