"""All chosen cases at once: sent, watched until each can be judged, judged together."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.e2e.cluster import ApiError, Obj
from tests.e2e.pods import wait_account
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import Pending, until
from tests.escapes.attempt import Attempt
from tests.escapes.build import service
from tests.escapes.case import Case, Result, filled
from tests.escapes.snapshot import Snapshot, take
from tests.escapes.tenant import Tenant

PATIENCE = 120.0  # seconds until all that comes has come, on a machine that is busy
QUIET = 10.0
HANDS = 6  # requests of the tenant's in flight


@dataclass
class Place:
    """Where the cases are tried."""

    release: Release
    virt: Virtual
    facts: dict[str, str]
    since: float
    """When the installation began."""

    def snapshot(self, *, wide: bool = False) -> Snapshot:
        """Return what both sides have now."""
        api, release = self.release.host.api, self.release
        return take(api, self.virt.api, release.namespace, release.name, wide=wide)


class Round:
    """One go through some cases; its number is in all names."""

    def __init__(self, place: Place, cases: Iterable[Case], number: int) -> None:
        self.place = place
        self.number = number
        self.tenant = Tenant(place.virt.api)
        self.attempts = [Attempt(case, self._facts(case), number) for case in cases]

    def run(self, say: Callable[[str], None], patience: float = PATIENCE) -> list[Result]:
        """Return the verdicts."""
        host = self.place.release.host.api
        self._namespaces()
        with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(lambda each: each.plant(host), self.attempts))
            list(pool.map(lambda each: each.remember(host), self.attempts))
            list(pool.map(lambda each: each.send(self.tenant), self.attempts))
            say(f"{len(self.attempts)} cases are sent")
            self._watch(pool, patience, say)
        self._barrier()
        seen = self.place.snapshot(wide=True)
        return [each.result(seen) for each in self.attempts]

    def tidy(self) -> None:
        """Remove what the round made, without waiting."""
        host = self.place.release.host.api
        with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(lambda each: each.forget(self.tenant, host), self.attempts))

    def _facts(self, case: Case) -> dict[str, str]:
        namespace = f"escapes-{case.row[0].lower()}"
        return {**self.place.facts, "ns": namespace, "num": str(self.number)}

    def _namespaces(self) -> None:
        names = sorted({each.bad.facts["ns"] for each in self.attempts})
        virt = self.place.virt
        for name in names:
            self.tenant.send({"kind": "Namespace", "metadata": {"name": name}})
        for name in names:
            wait_account(virt, name)

    def _watch(
        self,
        pool: concurrent.futures.ThreadPoolExecutor,
        patience: float,
        say: Callable[[str], None],
    ) -> None:
        end = time.monotonic() + patience

        def ready() -> bool:
            seen = self.place.snapshot()
            list(pool.map(lambda each: each.act(self.tenant, seen), self.attempts))
            waiting = [each.case.id for each in self.attempts if not each.ready(seen)]
            if waiting and time.monotonic() < end:
                raise Pending(", ".join(waiting))
            if waiting:
                say(f"not seen through in time: {', '.join(waiting)}")
            return True

        until("every case can be judged", ready, patience + 60)

    def _barrier(self) -> None:
        """Wait until what was sent last is there, and nothing moves any more."""
        facts = {**self.place.facts, "ns": self.attempts[0].bad.facts["ns"]}
        name = f"barrier-{self.number}"
        sent = self.tenant.send(filled(service(), {**facts, "name": name}))
        uid = sent["metadata"]["uid"]
        until("the barrier is on the host", lambda: uid in self.place.snapshot().twins, 60)
        last: set[tuple[str, str]] = set()
        end = time.monotonic() + QUIET

        def calm() -> bool:
            nonlocal last
            before, last = last, self.place.snapshot().versions()
            if before != last and time.monotonic() < end:
                raise Pending("the host's objects still change")
            return True

        until("the host's objects rest", calm, QUIET + 30)
        self.tenant.forget(sent)


def foreign_objects(place: Place) -> list[Obj]:
    """Return what others have on the host, in the namespace and beside it."""
    host, facts = place.release.host.api, place.facts
    return [
        host.get("Secret", facts["foreign"], facts["host"]),
        host.get("ConfigMap", facts["foreign"], facts["host"]),
        host.get("Service", "victim", facts["host"]),
        *(
            {**each, "kind": kind}
            for kind in ("Secret", "ConfigMap", "Service")
            for each in host.all(kind, facts["victim"])
        ),
        *(
            {**each, "kind": "ConfigMap"}
            for each in host.all("ConfigMap", facts["host"])
            if "other" in str(each["metadata"].get("labels"))
        ),
    ]


def plant(place: Place) -> None:
    """Put on the host what others have there."""
    host, facts = place.release.host.api, place.facts
    namespaces: Sequence[str] = (facts["host"], facts["victim"])
    for namespace in namespaces:
        meta = {"name": facts["foreign"], "namespace": namespace, "labels": {"app": "victim"}}
        other = {
            "virtualcluster.dev/managed-by": "other",
            "virtualcluster.dev/namespace": "default",
        }
        for made in (
            {"kind": "Secret", "metadata": meta, "stringData": {"k": "theirs"}},
            {"kind": "ConfigMap", "metadata": meta, "data": {"k": "theirs"}},
            {
                "kind": "Service",
                "metadata": {**meta, "name": "victim"},
                "spec": {"selector": {"app": "victim"}, "ports": [{"port": 80}]},
            },
            {
                "kind": "ConfigMap",
                "metadata": {
                    "name": "c-x-default-x-other",
                    "namespace": namespace,
                    "labels": other,
                },
                "data": {"k": "another virtual cluster's"},
            },
        ):
            try:
                host.create(made)
            except ApiError as error:
                if error.status != 409:
                    raise
