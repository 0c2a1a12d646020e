"""Negative controls: each guard is taken out of the running syncer, and the cases must notice."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import processes
from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.waiting import Pending, is_ready, until
from tests.escapes.case import Result
from tests.escapes.installation import SHIM
from tests.escapes.round import Place
from tests.escapes.shim.unguarded import load
from tests.escapes.shim.unguarded.registry import GUARDS, Guard

SOURCE = Path(__file__).parent / "shim"
PORT = 8099
PROTECTION = {"kubernetes.io/pvc-protection"}  # the host's own
UNPACK = (
    "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall(sys.argv[1])"
)


@dataclass
class Removed:
    """A guard that was taken out, and the cases that noticed."""

    guard: str
    where: str
    caught: list[str]


def guards(only: Sequence[str] = ()) -> list[Guard]:
    """Return the guards, or those of some names."""
    load.all_()
    return [each for each in GUARDS.values() if not only or each.name in only]


class Door:
    """The way into the running syncer, by the host API's pod proxy."""

    def __init__(self, place: Place) -> None:
        release = place.release
        self._release = release
        self._host = release.host.api
        pods = f"/api/v1/namespaces/{release.namespace}/pods"
        self._path = f"{pods}/{release.pod}:{PORT}/proxy"

    def make(self) -> None:
        """Copy what opens it into the container, and start that again."""
        release, host = self._release, self._release.host
        exec_ = ("exec", "-i", release.pod, "-n", release.namespace, "-c", "syncer", "--")
        host.kubectl(*exec_, "python3", "-c", UNPACK, SHIM, stdin=_archive())
        pod = self._pod()
        before = processes.restarts(pod, "syncer")
        first = processes.first_process(processes.container_id(pod, "syncer"))
        assert first is not None, "the syncer's process is not on this machine"
        processes.kill(first)

        def back() -> bool:
            now = self._pod()
            if processes.restarts(now, "syncer") <= before or not is_ready(now):
                raise Pending("the syncer starts")
            return self._out() == []

        until("the syncer is back, with its door", back, 120, despite=(ApiError, Unreachable))

    def without(self, guard: Guard) -> None:
        """Take a guard out."""
        answer = json.loads(self._host.request("PUT", f"{self._path}/{guard.name}"))
        assert answer["out"] == [guard.name], answer

    def whole(self) -> None:
        """Put it back."""
        self._host.request("DELETE", f"{self._path}/")
        assert self._out() == []

    def _out(self) -> list[str]:
        out: list[str] = json.loads(self._host.request("GET", f"{self._path}/"))["out"]
        return out

    def _pod(self) -> Obj:
        return self._host.get("Pod", self._release.pod, self._release.namespace)


def run(
    place: Place,
    chosen: Sequence[Guard],
    attempt: Callable[[Guard], list[Result]],
    say: Callable[[str], None],
) -> Iterator[Removed]:
    """Take out one guard after the other; yield who noticed."""
    door = Door(place)
    door.make()
    for guard in chosen:
        door.without(guard)
        try:
            results = attempt(guard)
        finally:
            door.whole()
            _let_go(place)
        caught = [each.id for each in results if each.problem]
        say(f"without {guard.name}: {', '.join(caught) or 'NOTHING NOTICED IT'}")
        yield Removed(guard.name, guard.where, caught)


def _let_go(place: Place) -> None:
    """Take off the host what a syncer without its guard has tied there: tenants' finalizers.

    The guarded one never has any, and knows none: such an object would outlive the release.
    """
    host, namespace = place.release.host.api, place.release.namespace
    for twin in place.snapshot().twins.values():
        meta = twin["metadata"]
        if set(meta.get("finalizers") or ()) - PROTECTION:
            change = {"metadata": {"uid": meta["uid"], "finalizers": None}}
            host.patch(twin["kind"], meta["name"], namespace, change)


def _archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for file in sorted(SOURCE.rglob("*.py")):
            archive.add(file, file.relative_to(SOURCE))
    return out.getvalue()
