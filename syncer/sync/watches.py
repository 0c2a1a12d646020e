"""Which changes queue which keys: every reconciler declares it, and `subscribe` is the one place.

"Why was this key queued?" is answered by each watch's `why`, which the log has at level debug.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from syncer.kube.objects import Key
from syncer.kube.store import Change, Store
from syncer.kube.workqueue import Queue
from syncer.sync.remark import Remark

log = structlog.get_logger()


class Request(NamedTuple):
    """A key to queue, and in which lane (kube/workqueue.py)."""

    key: Key
    backlog: bool = False
    news: bool = False
    ahead: bool = False
    after: float = 0.0
    """Seconds until it is queued; 0: at once."""


class Watch(NamedTuple):
    """A store, and how a change in it becomes keys."""

    store: Store
    requests: Callable[[Change], Iterable[Request]]
    """Called once for each change. It may note what its reconciler needs to know later."""
    why: str
    """Why a key was queued, as the log says it."""


class Reconciler(ABC):
    """One kind of keys. registrations.py lists all of them."""

    kind: str
    """The kind of the keys that `reconcile` takes; there is one reconciler for each."""

    @abstractmethod
    def watches(self) -> Iterable[Watch]:
        """Return what queues keys; they may be of other kinds, which then wait for this one."""

    @abstractmethod
    async def reconcile(self, key: Key) -> Remark | None:
        """Bring one key in step; return what its tenant is to know all the same, if anything.

        What does not reach the host at all is raised. Errors become policy in retry_policy.py.
        """

    async def begin(self) -> Iterable[Key]:
        """Learn what is needed before the first reconcile; return keys to queue besides.

        Both sides are known completely by then. Called again after an error that may pass.
        """
        return ()


def subscribe(reconciler: Reconciler, enqueue: Callable[[Request], None]) -> None:
    """Enqueue what follows from every change, and from what the stores have already.

    What they have is heard as though a list had just shown it, so that a new leader, which knows
    everything already, begins like one that has just been started.
    """
    for watch in reconciler.watches():
        _listen(reconciler.kind, watch, enqueue)


def _listen(declared_by: str, watch: Watch, enqueue: Callable[[Request], None]) -> None:
    bound = log.bind(declared_by=declared_by, why=watch.why)  # once: this is a busy place

    def changed(change: Change) -> None:
        for request in watch.requests(change):
            kind, namespace, name = request.key
            bound.debug("queued", kind=kind, virt_namespace=namespace, virt_name=name)
            enqueue(request)

    watch.store.listen(changed, replay=True)


def into(queue: Queue) -> Callable[[Request], None]:
    """Return what puts requests into a queue."""

    def enqueue(request: Request) -> None:
        key, backlog, news, ahead, after = request
        if after:
            queue.add_after(key, after)
        else:
            queue.add(key, backlog=backlog, news=news, ahead=ahead)

    return enqueue
