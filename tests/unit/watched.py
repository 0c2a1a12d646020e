"""A reflector at work on a fake API server, and what it told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.reflector import History, Reflector
from syncer.kube.resources import CONFIGMAPS
from syncer.kube.store import Change, Store
from tests.unit.fake_api import FakeApi, until
from tests.unit.fake_objects import Place


def conf(name: str, **more: object) -> Obj:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **more}


def place(name: str) -> Place:
    return Place("configmaps", "default", name)


class Watched:
    """A reflector at work, with what it told."""

    def __init__(
        self,
        api: FakeApi,
        client: Client,
        guard: Callable[[], Awaitable[None]] | None = None,
        longest_pause: float = 0.01,
        calm: float = 5.0,
    ) -> None:
        self.api = api
        self.store = Store()
        self.changes: list[tuple[str, str]] = []
        self.missing: list[str] = []
        self.behind: list[int] = []
        """By how many commits the lists were older in which something was missing."""
        self.history = History()
        self.store.listen(self._hear)
        self.reflector = Reflector(
            client,
            CONFIGMAPS,
            self.store,
            namespace="default",
            guard=guard,
            longest_pause=longest_pause,
            calm=calm,
            on_missing=self._miss,
            history=self.history,
        )

    def _miss(self, objects: list[Obj], behind: int) -> None:
        self.missing += [each["metadata"]["name"] for each in objects]
        self.behind.append(behind)

    def _hear(self, change: Change) -> None:
        what = "gone" if change.new is None else "new" if change.old is None else "changed"
        name = change.obj["metadata"]["name"]
        self.changes.append((("listed " if change.initial else "") + what, name))

    def names(self) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in self.store)

    def lists(self) -> int:
        return len(self.api.made("LIST", "configmaps"))

    def watches(self) -> list[str]:
        """Return the versions from which the watches began."""
        return [each.query["resourceVersion"] for each in self.api.made("WATCH", "configmaps")]

    async def watching(self) -> None:
        await until(lambda: self.api.watching("configmaps"))

    async def knows(self, *names: str) -> None:
        await until(lambda: self.names() == list(names))


@contextlib.asynccontextmanager
async def running(watched: Watched) -> AsyncIterator[Watched]:
    task = asyncio.create_task(watched.reflector.run())
    try:
        yield watched
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
