"""A host's metrics API over real HTTP: what it answers next is set by the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from syncer.kube.client import Client
from syncer.kube.objects import Obj
from tests.unit import fake_server

ROOT = "/apis/metrics.k8s.io/v1beta1"
STAMP, WINDOW = "2026-01-01T00:00:10Z", "10.5s"


def figures(name: str, namespace: str = "team-x", **containers: tuple[str, str]) -> Obj:
    """Return a pod's figures as metrics-server gives them: (cpu, memory) by container."""
    usages = [
        {"name": container, "usage": {"cpu": cpu, "memory": memory}}
        for container, (cpu, memory) in containers.items()
    ]
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": "2026-01-01T00:00:11Z",
            "labels": {"tenant.virtualcluster.dev/0123": "x"},
        },
        "timestamp": STAMP,
        "window": WINDOW,
        "containers": usages,
    }


def node_figures(name: str, cpu: str, memory: str) -> Obj:
    """Return a node's figures."""
    usage = {"cpu": cpu, "memory": memory}
    return {"metadata": {"name": name}, "timestamp": STAMP, "window": WINDOW, "usage": usage}


@dataclass
class FakeMetrics:
    """The API; `status` other than 200 is what every request gets."""

    pods: list[Obj] = field(default_factory=list)
    nodes: list[Obj] = field(default_factory=list)
    status: int = 200
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner, self.url = await fake_server.start(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await fake_server.stop(self._runner)

    def client(self) -> Client:
        return fake_server.client("host", self.url)

    async def _serve(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        if self.status != 200:
            status = {"kind": "Status", "code": self.status, "message": "host says team-x"}
            return web.json_response(status, status=self.status)
        lists = {
            ROOT: {"kind": "APIResourceList"},
            f"{ROOT}/nodes": {"metadata": {}, "items": self.nodes},
            f"{ROOT}/namespaces/team-x/pods": {"metadata": {}, "items": self.pods},
        }
        return web.json_response(lists[request.path])
