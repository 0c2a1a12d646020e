"""A host and a virtual cluster for the command line: real HTTP, TLS and WebSockets on loopback."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import yaml
from aiohttp import WSMsgType, web
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer import identity
from syncer.kube.objects import Obj
from tests.unit.cli.fake_exec import run_command
from tests.unit.fake_api import FakeApi
from tests.unit.kubelet_pki import Pair, make_ca, make_leaf

CORE = (
    ("pods", "Pod", "po"),
    ("services", "Service", "svc"),
    ("configmaps", "ConfigMap", "cm"),
    ("secrets", "Secret", ""),
    ("persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    ("endpoints", "Endpoints", "ep"),
    ("serviceaccounts", "ServiceAccount", "sa"),
)
GROUPS = {
    "apps/v1": (("deployments", "Deployment", "deploy"), ("statefulsets", "StatefulSet", "sts")),
    "networking.k8s.io/v1": (("ingresses", "Ingress", "ing"),),
    "storage.k8s.io/v1": (("storageclasses", "StorageClass", "sc"),),
}


TOKEN = "of-the-kubeconfig"
READY = {
    "phase": "Running",
    "conditions": [
        {"type": each, "status": "True"} for each in ("PodScheduled", "Initialized", "Ready")
    ],
    "containerStatuses": [
        {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}}
        for name in ("virtual-cluster", "syncer")
    ],
}
LABELS = {
    "app.kubernetes.io/name": "virtualcluster",
    "app.kubernetes.io/instance": "dev",
    "app.kubernetes.io/component": "control-plane",
    "helm.sh/chart": "virtualcluster-0.1.0",
}


class ClusterApi(FakeApi):
    """A fake API server with what only people ask for: discovery, reviews, port-forwards."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = True
        """What an access review says."""
        self.behind: dict[tuple[str, int], Callable[[], int | None]] = {}
        """For each pod's port the local port that it leads to now; None: nothing listens."""
        self.containers: dict[tuple[str, str], Callable[[list[str]], list[str]]] = {}
        """For each pod's container the program of this machine that a command in it is."""
        self.cut_exec = 0
        """After how many bytes of output the connection of an exec breaks; 0: never."""
        self.forwards = 0
        self.denied = 0
        """How many of the next port-forwards are answered with 401."""

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/apis":
            versions = [{"preferredVersion": {"groupVersion": each}} for each in GROUPS]
            return web.json_response({"groups": versions})
        if path == "/api/v1":
            return _resources(CORE)
        if path.startswith("/apis/") and path.removeprefix("/apis/") in GROUPS:
            return _resources(GROUPS[path.removeprefix("/apis/")])
        if path.endswith("/selfsubjectaccessreviews"):
            return web.json_response({"status": {"allowed": self.allowed}})
        if path.endswith("/portforward"):
            return await self._forward(request)
        if path.endswith("/exec"):
            runs = self.containers.get((path.split("/")[-2], request.query["container"]))
            return await run_command(request, runs, self.cut_exec)
        return await super()._serve(request)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        pod, port = request.path.split("/")[-2], int(request.query["ports"])
        if self.denied or request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.denied = max(0, self.denied - 1)
            return web.json_response({"message": "Unauthorized"}, status=401)
        behind = self.behind.get((pod, port))
        if behind is None:
            return web.json_response({"message": "no such pod"}, status=404)
        self.forwards += 1
        remote = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await remote.prepare(request)
        for channel in (0, 1):
            await remote.send_bytes(bytes((channel,)) + port.to_bytes(2, "little"))
        target = behind()
        if target is None:
            await remote.send_bytes(b"\x01connection refused")
            await remote.close()
            return remote
        reader, writer = await asyncio.open_connection("127.0.0.1", target)

        async def down() -> None:
            while block := await reader.read(65536):
                await remote.send_bytes(b"\0" + block)
            await remote.close()

        back = asyncio.create_task(down())
        try:
            async for message in remote:
                if message.type == WSMsgType.BINARY:
                    writer.write(message.data[1:])
                    await writer.drain()
        finally:  # also when the server ends, or nobody is behind any more
            back.cancel()
            writer.close()
        return remote


def _resources(rows: tuple[tuple[str, str, str], ...]) -> web.Response:
    found = [
        {
            "name": plural,
            "kind": kind,
            "singularName": kind.lower(),
            "shortNames": [short] if short else [],
            "namespaced": plural != "storageclasses",
        }
        for plural, kind, short in rows
    ]
    return web.json_response({"resources": found})


class Served:
    """A fake API server in a thread of its own, for programs that are not asynchronous."""

    def __init__(self, uid_prefix: str, tls: ssl.SSLContext | None = None) -> None:
        self.api = ClusterApi()
        self.api.tls = tls
        self.api.objects.uid_prefix = uid_prefix
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        return int(self.api.url.rpartition(":")[2])

    def create(self, plural: str, namespace: str, **fields: Any) -> Obj:
        """Put an object into the datastore."""
        return self.api.objects.create(plural, namespace, fields)

    def asked(self, method: str, resource: str) -> int:
        return len(self.api.made(method, resource))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5.0)

    def _run(self) -> None:
        async def serve() -> None:
            async with self.api:
                self._ready.set()
                await self._end.wait()

        # A runner ends what is left too, such as a connection that was accepted just now.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())


class Pki:
    """The certificates of a virtual cluster."""

    def __init__(self, directory: Path) -> None:
        self.ca: Pair = make_ca("k3s-server-ca")
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        leaf = make_leaf(self.ca, ["k3s"], ["k3s"], usage, "localhost", "127.0.0.1")
        files = directory / "server.crt", directory / "server.key"
        files[0].write_bytes(leaf.cert_pem)
        files[1].write_bytes(leaf.key_pem)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*files)
        self.admin = make_leaf(
            self.ca, ["admin"], ["system:masters"], ExtendedKeyUsageOID.CLIENT_AUTH
        )


def kubeconfig(file: Path, server: str, namespace: str = "team-x") -> Path:
    """Write the kubeconfig of somebody who uses the host."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "host", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
        "contexts": [
            {"name": "host", "context": {"cluster": "host", "user": "me", "namespace": namespace}}
        ],
        "current-context": "host",
    }
    file.write_text(yaml.safe_dump(content))
    return file


def coredns(host: Served, name: str, *, release: str = "dev") -> Obj:
    """Make a pod of the virtual cluster's on the host, ready."""
    notes = {identity.NAMESPACE: "kube-system", identity.NAME: "coredns-1", identity.KIND: "pods"}
    labels = {identity.MANAGED_BY: release}
    meta = {"name": name, "labels": labels, "annotations": notes}
    return host.create("pods", "team-x", metadata=meta, spec={}, status=READY)


def admin_secret(pki: Pki, name: str) -> dict[str, str]:
    """Return the data of the Secret in which the syncer publishes the kubeconfig."""

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": "https://127.0.0.1:8443",
                    "certificate-authority-data": text(pki.ca.cert_pem),
                },
            }
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": text(pki.admin.cert_pem),
                    "client-key-data": text(pki.admin.key_pem),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return {"config": text(yaml.safe_dump(config).encode())}
