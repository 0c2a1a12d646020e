"""Kubeconfig files that the tests make, for whoever is to use them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.cluster import Obj
from tests.e2e.shell import Program


def with_token(kubectl: Program, token: str, namespace: str) -> Obj:
    """Return kubectl's own kubeconfig, for whoever a token speaks for."""
    raw = kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    config: Obj = json.loads(raw.out)
    context = config["contexts"][0]["context"]
    context["namespace"] = namespace
    config["users"] = [{"name": context["user"], "user": {"token": token}}]
    return config


def at_node(config: Obj, service: Obj, address: str) -> Obj:
    """Return a kubeconfig that reaches its API at a node, by a Service that has a port there."""
    port = service["spec"]["ports"][0]["nodePort"]
    config["clusters"][0]["cluster"]["server"] = f"https://{address}:{port}"
    return config


def write(config: Obj, file: Path) -> Path:
    """Write a kubeconfig that nobody else may read; return its path."""
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    return file
