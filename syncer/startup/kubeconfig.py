"""The kubeconfigs that users get, made from the administrator that k3s wrote."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from syncer.identity import Identity
from syncer.kube.auth import Admin
from syncer.kube.client import Client
from syncer.kube.resources import SECRETS
from syncer.owned_objects import keep


def render(admin: Admin, server: str, name: str) -> bytes:
    """Return a kubeconfig for `server` whose cluster, user and context are called `name`."""
    user: dict[str, Any]
    if admin.password:
        user = {"username": admin.username, "password": admin.password}
    else:
        user = {
            "client-certificate-data": base64.b64encode(admin.certificate).decode(),
            "client-key-data": base64.b64encode(admin.key).decode(),
        }
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(admin.ca).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return yaml.safe_dump(config, sort_keys=False).encode()


def write(admin: Admin, port: int, name: str, path: Path) -> None:
    """Write the kubeconfig for use through `kubectl port-forward`, readable by us alone.

    Written beside and renamed: whoever reads it meanwhile sees a whole file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_bytes(render(admin, f"https://127.0.0.1:{port}", name))
    beside.rename(path)


async def publish(host: Client, ident: Identity, admin: Admin, port: int) -> None:
    """Write the Secret `vc-<release>`.

    `config` is for use through `kubectl port-forward`, `config-in-cluster` for pods of the host.
    """
    service = f"https://{ident.release}.{ident.host_namespace}.svc"
    content = {
        "config": render(admin, f"https://127.0.0.1:{port}", ident.release),
        "config-in-cluster": render(admin, service, ident.release),
        "certificate-authority": admin.ca,
        "client-certificate": admin.certificate,
        "client-key": admin.key,
    }
    data = {key: base64.b64encode(value).decode() for key, value in content.items() if value}
    await keep(host, ident, SECRETS, f"vc-{ident.release}", {"type": "Opaque", "data": data})
