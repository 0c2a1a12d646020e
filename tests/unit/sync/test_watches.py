"""From changes to queued keys: what is heard, in which lane it is queued, and what the log says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from syncer.kube.objects import Key, Obj, ref_of
from syncer.kube.store import Change, Store
from syncer.kube.workqueue import Queue
from syncer.sync.watches import Reconciler, Request, Watch, into, subscribe
from tests.unit.build import Clock, configmap

WEB = Key("pods", "default", "web")


class Confs(Reconciler):
    kind = "configmaps"

    def __init__(self) -> None:
        self.store = Store()

    def watches(self) -> Iterator[Watch]:
        yield Watch(self.store, self._changed, "it changed")

    def _changed(self, change: Change) -> Iterator[Request]:
        yield Request(Key(self.kind, *ref_of(change.obj)), backlog=change.initial)

    async def reconcile(self, key: Key) -> None:
        """Do nothing."""


def _conf(name: str) -> Obj:
    return configmap(name, metadata={"resourceVersion": "2"})


def test_what_is_there_already_is_heard_as_though_a_list_had_shown_it() -> None:
    confs = Confs()
    heard: list[Request] = []
    confs.store.put(_conf("before"))
    subscribe(confs, heard.append)
    confs.store.put(_conf("after"))
    assert [(each.key.name, each.backlog) for each in heard] == [("before", True), ("after", False)]


def test_log_says_why_a_key_was_queued() -> None:
    confs = Confs()
    with capture_logs() as logs:
        subscribe(confs, lambda _request: None)
        confs.store.put(_conf("web"))
    assert logs == [
        {
            "event": "queued",
            "log_level": "debug",
            "declared_by": "configmaps",
            "why": "it changed",
            "kind": "configmaps",
            "virt_namespace": "default",
            "virt_name": "web",
        }
    ]


@pytest.mark.parametrize(
    ("request_", "lane"),
    [
        (Request(WEB), "live"),
        (Request(WEB, backlog=True), "backlog"),
        (Request(WEB, news=True), "news"),
        (Request(WEB, ahead=True), "ahead"),
        (Request(WEB, after=5.0), None),
    ],
)
def test_request_goes_into_its_lane(request_: Request, lane: str | None) -> None:
    queue = Queue(Clock())
    into(queue)(request_)
    assert {name for name, length in queue.lanes().items() if length} == ({lane} - {None})
    assert queue.delayed() == (1 if lane is None else 0)
