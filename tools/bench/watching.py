"""Watches that a scenario has open: one that is read at once, and one that is read afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import orjson

from tools.bench.api import Api
from tools.bench.errors import BenchError
from tools.bench.timeline import Timeline


class Watch:
    """A timeline that grows, for whoever waits for something on it."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._changed = asyncio.Event()
        self._failed: BaseException | None = None

    def line(self, at: float, line: bytes) -> None:
        """Take a line."""
        self.timeline.line(at, line)
        self._changed.set()

    def failed(self, error: BaseException) -> None:
        """Take the end of the watch."""
        self._failed = error
        self._changed.set()

    async def until(self, what: str, done: Callable[[Timeline], bool], seconds: float) -> None:
        """Return as soon as the timeline says so."""
        try:
            async with asyncio.timeout(seconds):
                while not done(self.timeline):
                    if self._failed is not None:
                        raise BenchError(f"{what}: the watch ended: {self._failed!r}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise BenchError(f"not in {seconds:.0f} s: {what}") from None


@contextlib.asynccontextmanager
async def watching(api: Api, path: str, labels: str, timeline: Timeline) -> AsyncIterator[Watch]:
    """Watch from now on; each line is read as it comes."""
    watch = Watch(timeline)
    async with _open(api, path, labels, watch.line, watch.failed):
        yield watch


@contextlib.asynccontextmanager
async def recording(
    api: Api, path: str, labels: str, lines: list[tuple[float, bytes]]
) -> AsyncIterator[None]:
    """Watch from now on; each line is kept with its time, so that reading it costs nothing now."""
    async with _open(api, path, labels, lambda at, line: lines.append((at, line)), _ignore):
        yield


@contextlib.asynccontextmanager
async def _open(
    api: Api,
    path: str,
    labels: str,
    take: Callable[[float, bytes], None],
    failed: Callable[[BaseException], None],
) -> AsyncIterator[None]:
    found = await api.json("GET", path, labelSelector=labels, limit="1")
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def follow() -> None:
        since = found["metadata"]["resourceVersion"]
        try:
            while True:  # a server ends the watch of a client that falls behind, as any may
                last = b""
                async for line in api.watch(path, since, labels):
                    if not opened.done():
                        opened.set_result(None)
                    take(time.monotonic(), line)
                    last = line or last
                since = _version(last) or since
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever waits must know)
            failed(error)
            if not opened.done():
                opened.set_exception(error)

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(30):
            await opened
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _version(line: bytes) -> str:
    """Return from where a watch goes on after a line."""
    return str(orjson.loads(line)["object"]["metadata"]["resourceVersion"]) if line else ""


def _ignore(_error: BaseException) -> None:
    pass
