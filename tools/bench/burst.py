"""One burst of pods on one side: all at once until Ready, then all of them gone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from tools.bench import stages, stats
from tools.bench.api import Api, Obj, Refused
from tools.bench.errors import BenchError
from tools.bench.timeline import Timeline, Times
from tools.bench.watching import Watch, recording, watching
from tools.bench.workloads import LABEL, pods_path

T = TypeVar("T")
Held = Callable[[], Awaitable[None]]
"""Called while all pods of a burst are Ready."""
Companions = Mapping[str, Sequence[tuple[str, Obj]]]
"""A pod's name → what is created before it: where, and what."""
AT_ONCE = 50  # requests in flight: as many as a busy controller has, the same on both sides
PATIENCE = 120.0  # seconds for a burst, and then some for each pod
PATIENCE_EACH = 0.3
GLANCE = 0.1
_SPACE = "virtualcluster.dev/namespace"


@dataclass(frozen=True)
class Side:
    """Where pods are created: in the virtual cluster or on the bare host."""

    name: str
    api: Api
    namespace: str
    host: Api | None = None
    """Of a virtual cluster: where its pods run."""
    host_namespace: str = ""
    host_labels: str = ""


@dataclass
class Burst:
    """What came of one."""

    side: str
    count: int
    sent: Times = field(default_factory=dict)
    answered: Times = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    stages: dict[str, list[float]] = field(default_factory=dict)
    gone_after: float = 0.0

    @property
    def latencies(self) -> list[float]:
        """Return the seconds from each request to its pod seen Ready, shortest first."""
        ready = self.timeline.ready
        return sorted(ready[name] - at for name, at in self.sent.items() if name in ready)

    @property
    def rate(self) -> float:
        """Return pods per second, from the first request to the last pod Ready."""
        return stats.per_second(self.sent.values(), self.timeline.ready.values())

    @property
    def lost(self) -> int:
        """Return how many pods never became Ready."""
        return self.count - len(self.latencies)


async def run(
    side: Side,
    label: str,
    pods: Sequence[Obj],
    held: Held | None = None,
    companions: Companions | None = None,
) -> Burst:
    """Create these pods; once all are Ready call `held`; then delete them until all are gone."""
    beside = companions or {}
    done = Burst(side.name, len(pods))
    path, patience = pods_path(side.namespace), PATIENCE + PATIENCE_EACH * len(pods)
    lines: list[tuple[float, bytes]] = []
    async with contextlib.AsyncExitStack() as stack:
        labels = f"{LABEL}={label}"
        watch = await stack.enter_async_context(watching(side.api, path, labels, done.timeline))
        if side.host is not None:
            place = pods_path(side.host_namespace)
            await stack.enter_async_context(recording(side.host, place, side.host_labels, lines))
        try:
            await create(side, pods, done, beside)
            with contextlib.suppress(BenchError):  # what is missing is counted as lost
                await watch.until(
                    f"{len(pods)} pods are ready", lambda t: len(t.ready) >= len(pods), patience
                )
            if held is not None:
                await held()
        finally:
            begin = time.monotonic()
            await remove(side, [pod["metadata"]["name"] for pod in pods], watch, patience)
            done.gone_after = time.monotonic() - begin
            await each([one for few in beside.values() for one in few], partial(_forget, side))
    if side.host is not None:
        host = stages.twins()
        for at, line in lines:
            host.line(at, line)
        done.stages = stages.split(done.sent, done.answered, done.uids, done.timeline, host)
    return done


async def create(side: Side, pods: Sequence[Obj], done: Burst, beside: Companions) -> None:
    """Send the requests, so many at once; a pod's time begins with what it needs."""
    path = pods_path(side.namespace)

    async def one(pod: Obj) -> None:
        name = pod["metadata"]["name"]
        done.sent[name] = time.monotonic()
        for place, obj in beside.get(name, ()):
            await side.api.send("POST", place, obj)
        made = await side.api.json("POST", path, pod)
        done.answered[name] = time.monotonic()
        done.uids[name] = made["metadata"]["uid"]

    await each(pods, one)


async def remove(
    side: Side, names: Sequence[str], watch: Watch, patience: float, *, alone: bool = True
) -> None:
    """Delete pods, and wait until they are gone; if no others are left, those of the host too."""
    await each(names, lambda name: delete(side, name))
    wanted = {name for name in names if name in watch.timeline.seen}
    await watch.until(f"{len(wanted)} pods are gone", lambda t: wanted <= t.gone.keys(), patience)
    if alone:
        await host_is_empty(side, patience)


async def delete(side: Side, name: str) -> None:
    """Delete a pod, as a user does."""
    try:
        await side.api.send("DELETE", pods_path(side.namespace, name))
    except Refused as error:
        if error.status != 404:
            raise


async def _forget(side: Side, companion: tuple[str, Obj]) -> None:
    place, obj = companion
    await side.api.send("DELETE", f"{place}/{obj['metadata']['name']}")


async def host_is_empty(side: Side, patience: float) -> None:
    """Wait until the host has no pod of the virtual namespace any more."""
    if side.host is None:
        return
    path, labels = pods_path(side.host_namespace), f"{side.host_labels},{_SPACE}={side.namespace}"
    deadline = time.monotonic() + patience
    while (await side.host.json("GET", path, labelSelector=labels, limit="1"))["items"]:
        if time.monotonic() > deadline:
            raise BenchError(f"not in {patience:.0f} s: the host's pods are gone")
        await asyncio.sleep(GLANCE)


async def each(items: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Do something for each, so many at once; the first error ends it."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(AT_ONCE, len(items))):
            tasks.create_task(worker())
