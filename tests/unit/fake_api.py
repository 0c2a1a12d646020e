"""An API server over real HTTP: lists in pages, watches with bookmarks, and faults on demand.

    async with FakeApi() as api, api.client("host") as host:
        api.faults.add(Fault("POST", "pods", status=500))

`api.objects` is the datastore (fake_objects.py), `api.faults` what goes wrong next, `api.requests`
what has been asked. Nothing here is random and nothing waits unless a fault says so.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Callable
from typing import Self

import orjson
from aiohttp import web

from syncer.kube.client import Client
from syncer.kube.objects import Obj
from tests.unit import fake_server
from tests.unit.fake_faults import Asked, Fault, Faults
from tests.unit.fake_objects import Objects, Place
from tests.unit.fake_services import Refusal
from tests.unit.fake_watch import Watch, selected

WRITES = ("POST", "PUT", "PATCH", "DELETE")


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (conditions of many kinds, no one event)
            await asyncio.sleep(0.002)


GROUPS = {
    "discovery.k8s.io": ("endpointslices",),
    "networking.k8s.io": ("networkpolicies", "ingresses", "ingressclasses"),
    "node.k8s.io": ("runtimeclasses",),
    "policy": ("poddisruptionbudgets",),
}
"""The resource types of which older servers have another version, or none."""


class FakeApi:
    """One API server."""

    def __init__(self, service_range: str = "10.96.0.0/24") -> None:
        self.objects = Objects(service_range)
        self.faults = Faults()
        self.requests: list[Asked] = []
        self.between: list[Callable[[Asked], None]] = []
        """Called with each request when its answer has been made and is not on its way yet."""
        self.url = ""
        self.tls: ssl.SSLContext | None = None
        self.token_seconds = 3600
        self.token_life = 0
        """How long tokens live; 0: as long as was asked for."""
        self.rules: list[Obj] = []
        """What a SelfSubjectRulesReview says that the client may do."""
        self.tokens = 0
        self.version = "v1.34.4"
        self.versions: dict[str, str] = {}
        """The one version in which it has a resource type; "" if it has it not. Others: v1."""
        self._changed = asyncio.Event()
        self._watches: set[Watch] = set()

    async def __aenter__(self) -> Self:
        self.objects.listeners.append(self._wake)
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner, self.url = await fake_server.start(app, self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end_watches()
        await fake_server.stop(self._runner)

    def client(self, side: str, *, inactivity: float = 5.0) -> Client:
        return fake_server.client(side, self.url, inactivity=inactivity)

    # --- what tests look at and pull

    def writes(self) -> list[Asked]:
        return [each for each in self.requests if each.method in WRITES]

    def made(self, method: str, resource: str) -> list[Asked]:
        return [each for each in self.requests if (each[0], each[1]) == (method, resource)]

    def watching(self, plural: str) -> int:
        return sum(watch.plural == plural for watch in self._watches)

    def end_watches(self) -> None:
        """End every open watch cleanly, as a server that shuts down does."""
        for watch in self._watches:
            watch.ending = True
        self._wake()

    def send(self, plural: str, line: bytes) -> None:
        """Put a raw line into the open watches of a resource."""
        for watch in self._watches:
            if watch.plural == plural:
                watch.lines.append(line)
        self._wake()

    def bookmark(self, plural: str) -> None:
        version = str(self.objects.version)
        mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
        self.send(plural, orjson.dumps(mark))

    # --- serving

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _served(self, path: str) -> web.Response | None:
        """Answer for what is served in which version; None for a path of an object that is."""
        _, _, named = path.partition("/apis/")
        group, version, *rest = [*named.split("/"), ""]
        mine = [n for n in GROUPS.get(group, ()) if self.versions.get(n, "v1") == version]
        if rest == [""] and mine:
            return web.json_response({"resources": [{"name": name} for name in mine]})
        if group in GROUPS and (rest == [""] or {*GROUPS[group]} & {*rest} - {*mine}):
            return web.json_response(Refusal(404, "NotFound", path).status, status=404)
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            headers = dict(request.headers)
            fault = self.faults.take(Asked("GET", "version", "", "", None, {}, headers))
            if fault is not None:
                return self._fail(request, fault)
            return web.json_response({"gitVersion": self.version})
        if (served := self._served(request.path)) is not None:
            return served
        asked, place, sub = await self._read(request)
        self.requests.append(asked)
        fault = self.faults.take(asked)
        if fault is not None and fault.until is not None:
            await fault.until.wait()
        if fault is not None and not fault.commit:
            return self._fail(request, fault)
        if asked.method == "WATCH":
            return await self._watch(request, place)
        try:
            answer = self._answer(asked, place, sub, request.content_type)
        except Refusal as refusal:
            return web.json_response(refusal.status, status=refusal.code)
        body = orjson.dumps(answer)
        for hook in self.between:
            hook(asked)
        if fault is not None:
            return self._fail(request, fault)
        status = 201 if asked.method == "POST" else 200
        return web.Response(body=body, status=status, content_type="application/json")

    async def _read(self, request: web.Request) -> tuple[Asked, Place, str]:
        parts = request.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        plural, name, sub = (*parts, "", "")[:3]
        method = request.method
        query = dict(request.query)
        if method == "GET" and not name:
            method = "WATCH" if "watch" in query else "LIST"
        raw = await request.read()
        body = orjson.loads(raw) if raw else None
        resource = f"{plural}/{sub}" if sub else plural
        asked = Asked(method, resource, namespace, name, body, query, dict(request.headers))
        return asked, Place(plural, namespace, name), sub

    def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if not fault.status:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        status = Refusal(fault.status, fault.reason, fault.message).status
        body = orjson.dumps(status) if fault.body is None else fault.body
        return web.Response(
            body=body, status=fault.status, headers=fault.headers, content_type="application/json"
        )

    def _answer(self, asked: Asked, place: Place, sub: str, content_type: str) -> Obj:
        objects = self.objects
        match asked.method, sub:
            case "GET", _:
                return objects.get(place)
            case "LIST", _:
                return self._page(place, asked.query)
            case "POST", "" if place.plural == "selfsubjectrulesreviews":
                return {**asked.body, "status": {"resourceRules": self.rules}}
            case "POST", "":
                dry_run = "dryRun" in asked.query
                return objects.create(place.plural, place.namespace, asked.body, dry_run=dry_run)
            case "POST", "binding":
                objects.bind(place, asked.body)
                return {"kind": "Status", "status": "Success"}
            case "POST", "token":
                return self._token(asked.body)
            case "PUT", _:
                return objects.update(place, asked.body)
            case "PATCH", _:
                strategic = content_type == "application/strategic-merge-patch+json"
                return objects.patch(place, asked.body, sub, strategic=strategic)
            case "DELETE", _:
                return objects.delete(place, asked.body)
        raise Refusal(405, "MethodNotAllowed", asked.method)

    def _token(self, request: Obj) -> Obj:
        self.tokens += 1
        stamp = time.gmtime(self.token_seconds)
        life = self.token_life or request["spec"].get("expirationSeconds", 3600)
        return {
            **request,
            "spec": {**request["spec"], "expirationSeconds": life},
            "status": {
                "token": f"token-{self.tokens}",
                "expirationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", stamp),
            },
        }

    def _chosen(self, place: Place, query: dict[str, str]) -> list[Obj]:
        return [o for o in self.objects.of(place.plural, place.namespace) if selected(o, query)]

    def _page(self, place: Place, query: dict[str, str]) -> Obj:
        chosen = self._chosen(place, query)
        first, version = 0, str(self.objects.version)
        if "continue" in query:
            raw = base64.b64decode(query["continue"]).decode()
            first_text, version = raw.split(":")
            first = int(first_text)
            if int(version) < self.objects.compacted:
                raise Refusal(410, "Expired", "The provided continue parameter is too old")
        last = first + int(query.get("limit", "500"))
        meta = {"resourceVersion": version}
        if last < len(chosen):
            meta["continue"] = base64.b64encode(f"{last}:{version}".encode()).decode()
        return {"metadata": meta, "items": chosen[first:last]}

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        query = dict(request.query)
        since = int(query["resourceVersion"])
        if since < self.objects.compacted:
            status = Refusal(410, "Expired", "too old resource version").status
            return web.json_response(status, status=410)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        watch = Watch(place.plural, place.namespace, query, since)
        self._watches.add(watch)
        try:
            while True:
                changed = self._changed
                if not self.faults.silent:
                    for line in watch.take(self.objects.history):
                        await answer.write(line + b"\n")
                if watch.ending:
                    break
                await changed.wait()
        except ConnectionResetError:
            pass
        finally:
            self._watches.discard(watch)
        return answer
