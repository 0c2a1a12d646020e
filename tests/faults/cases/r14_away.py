"""R14: the tenant deletes and makes again while the syncer is away. R26: names that come again."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.e2e import manifests
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.play import Play
from tests.faults.pod_status import running
from tests.faults.reference import Reference
from tests.faults.workload import bare

LATE = "10.99.99.99"


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield what happens while it is away."""
    del fast
    away = "while the syncer is away, objects are"
    yield Case("R14", "changed", f"{away} changed", _changed, fast=True)
    yield Case("R14", "deleted", f"{away} deleted", _deleted)
    yield Case("R14", "remade", f"{away} deleted and made again", _remade, fast=True)
    yield Case(
        "R26", "late-status", "a late status of an earlier pod of the name", _late, fast=True
    )


def _changed(play: Play) -> None:
    play.phase("create")
    play.pair.syncer.kill(stay=True)
    play.struck()
    play.acts("change")
    play.pair.syncer.start()
    play.converges("change", since=time.monotonic())
    play.phase("clear")


def _deleted(play: Play) -> None:
    play.phase("create", "change")
    play.pair.syncer.kill(stay=True)
    play.struck()
    play.acts("shrink")
    play.pair.syncer.start()
    play.converges("shrink", since=time.monotonic())
    play.phase("clear")


def _remade(play: Play) -> None:
    play.phase("create")
    tenant, ns = play.tenant, play.namespace
    old = play.virt("Pod", "bare")["metadata"]["uid"]
    play.pair.syncer.kill(stay=True)
    play.struck()
    for kind, name in (("ConfigMap", "settings"), ("Secret", "creds"), ("Service", "web")):
        tenant.deletes(kind, name)
    tenant.deletes("Pod", "bare", grace=0)
    tenant.makes(
        manifests.config_map("settings", ns, colour="red"),
        manifests.secret("creds", ns, password="one"),
        manifests.service("web", ns, target=8080),
        bare(ns),
    )
    assert play.virt("Pod", "bare")["metadata"]["uid"] != old
    play.pair.syncer.start()
    play.converges("create", since=time.monotonic())
    play.phase("clear")


def _late(play: Play) -> None:
    play.phase("create")
    player, host, syncer = play.pair.player, play.pair.host, play.pair.syncer
    earlier = play.has_twin("Pod", "db-0")
    name = earlier["metadata"]["name"]
    first = play.virt("Pod", "db-0")["metadata"]["uid"]
    syncer.kill(stay=True)
    play.tenant.deletes("Pod", "db-0", grace=0)
    play.eventually("the StatefulSet has made another pod", lambda: _another(play, first))
    player.holds_ends.set()
    syncer.start()
    syncer.ready()
    play.eventually("the earlier host pod is ending", lambda: _ending(play, name))
    host.patch("Pod", name, NAMESPACE, {"status": running(earlier, LATE)}, sub="status")
    play.struck()
    begun = time.monotonic()
    play.pair.still()
    assert LATE not in str(play.virt("Pod", "db-0").get("status")), "it was told of another pod"
    assert play.twin("Pod", "db-0") is None, "the new one runs while the old one's processes do"
    player.holds_ends.clear()
    play.converges("create", since=begun)
    play.phase("clear")


def _another(play: Play, first: str) -> bool:
    return bool(play.virt("Pod", "db-0")["metadata"]["uid"] != first)


def _ending(play: Play, name: str) -> bool:
    return "deletionTimestamp" in play.pair.host.get("Pod", name, NAMESPACE)["metadata"]
