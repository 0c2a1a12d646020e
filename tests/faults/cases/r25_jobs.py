"""R25: the work of a Job is done once: no virtual pod ever gets a second host pod."""

from __future__ import annotations

import functools
import random
import threading
import time
from collections.abc import Callable, Iterator

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.waiting import Pending
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.entry import Entry
from tests.faults.injections import Committed, Refuse, Strike
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.faults.wire import Asked, writes

JOBS, FEW = 1000, 60
BATCH = 50
BETWEEN = (40, 400)  # writes of the syncer between two kills: each life of it gets something done
LONG = 1800.0


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield many Jobs under all kinds of faults, and pods that the host has collected."""
    many = FEW if fast else JOBS
    yield Case(
        "R25",
        "jobs",
        "Jobs, while the syncer is killed and answers fail",
        functools.partial(_jobs, many),
        fast=True,
    )
    yield Case("R25", "collected", "a done host pod is removed, the syncer away", _collected)
    for when in ("unknown", "placed"):
        yield Case(
            "R25",
            f"collected-{when}",
            "a host pod is removed before the virtual one knew of it",
            functools.partial(_forgotten, when),
            fast=when == "unknown",
        )


def _job(number: int, namespace: str) -> Obj:
    work = manifests.shell("true")
    spec = {"restartPolicy": "Never", "containers": [work]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": manifests.meta(f"job-{number}", namespace),
        "spec": {"completions": 1, "template": {"spec": spec}},
    }


def _jobs(many: int, play: Play) -> None:
    tenant = play.tenant
    tenant.opens()
    play.inject("host", Committed(match=writes, share=0.03), Refuse(share=0.03, code=500))
    play.inject("virt", Committed(match=writes, share=0.03), Refuse(share=0.03, code=500))
    over = threading.Event()

    def strike() -> None:
        chance = random.Random(7)  # noqa: S311
        at = play.pair.writes() + chance.randint(*BETWEEN)
        while not over.wait(0.01):
            if play.pair.writes() >= at:
                play.pair.syncer.kill()
                play.struck()
                at = play.pair.writes() + chance.randint(*BETWEEN)

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    try:
        for number in range(many):
            tenant.makes(_job(number, play.namespace))
            if number % BATCH == BATCH - 1:
                _done(play, number + 1 - BATCH // 2)
    finally:
        over.set()
        thread.join(30)
    play.heal()
    begun = time.monotonic()
    _done(play, many)
    play.converged(begun)
    runs = [play.pair.player.begun[uid] for uid in _uids(play)]
    once = sum(each == 1 for each in runs)
    play.note(f"{once} of {many} ran exactly once")
    assert runs == [1] * many, f"runs per pod: {sorted(set(runs))}, pods: {len(runs)}"
    for number in range(many):
        tenant.deletes("Job", f"job-{number}")
    play.eventually("all is gone", lambda: not play.leftovers(), 600)


def _uids(play: Play) -> list[str]:
    pods = play.pair.record.of("virt", play.namespace, "Pod")
    return [each.obj["metadata"]["uid"] for each in pods]


def _done(play: Play, many: int) -> None:
    def done() -> bool:
        jobs = play.pair.virt.all("Job", play.namespace)
        count = sum(each.get("status", {}).get("succeeded", 0) for each in jobs)
        if count < many:
            raise Pending(f"{count} of {many}")
        return True

    play.eventually(f"{many} Jobs are done", done, LONG)


def _collected(play: Play) -> None:
    play.phase("create")
    (pod,) = _of_job(play)
    play.pair.syncer.kill(stay=True)
    play.struck()
    play.pair.host.delete("Pod", pod.name, NAMESPACE)
    play.eventually("it is gone", lambda: pod.gone is not None)
    play.pair.syncer.start()
    begun = time.monotonic()
    play.pair.syncer.ready()
    play.pair.rest()
    play.converged(begun)
    done = play.virt("Job", "once")["status"]
    assert done.get("succeeded") == 1, done
    play.phase("clear")


def _of_job(play: Play) -> list[Entry]:
    return [e for e in play.pair.record.there("host", play.namespace, "Pod") if "once" in e.name]


def _is_news(asked: Asked) -> bool:
    """Match what tells the virtual pod that there is a host pod."""
    return asked.resource in ("pods/binding", "pods/status") and asked.side == "virt"


def _is_status(asked: Asked) -> bool:
    return asked.resource == "pods/status" and asked.side == "virt"


FIRST_NEWS: dict[str, Callable[[Asked], bool]] = {"unknown": _is_news, "placed": _is_status}


def _forgotten(when: str, play: Play) -> None:
    """The host pod ran, and is gone, before the virtual one was told that it had ever been."""
    tenant, pair = play.tenant, play.pair
    tenant.opens()
    strike = Strike(
        match=FIRST_NEWS[when], times=1, strike=functools.partial(pair.syncer.kill, stay=True)
    )
    play.inject("virt", strike)
    tenant.makes(_job(0, play.namespace))
    play.eventually("the syncer is gone", lambda: strike.hits and not pair.syncer.child.runs())

    def ended() -> Entry | None:
        pods = pair.record.there("host", play.namespace, "Pod")
        return next((each for each in pods if each.obj["status"].get("phase") == "Succeeded"), None)

    pod = play.eventually("the host pod has done its work", ended)
    pair.host.delete("Pod", pod.name, NAMESPACE)
    play.eventually("it is gone", lambda: pod.gone is not None)
    begun = time.monotonic()
    pair.syncer.start()
    pair.syncer.ready()
    # Nobody knows any more how it ended: it counts as lost, and the Job makes another pod.
    _done(play, 1)
    play.converged(begun)
    tenant.deletes("Job", "job-0")
    play.eventually("all is gone", lambda: not play.leftovers())
