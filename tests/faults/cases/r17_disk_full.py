"""R17: the volume of k3s' datastore is full."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Unreachable
from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.reference import Reference

MIB = 2**20


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield it."""
    del fast
    yield Case("R17", "full", "the datastore's volume is full", _play, fast=True)


def _play(play: Play) -> None:
    pair = play.pair
    ends = pair.syncer.ends
    play.phase("create")
    filler = pair.k3s.state / "filler"
    try:
        _fill(filler)
        play.eventually("writes are refused", lambda: _refused(play))
        play.struck()
        # Reads are served, and by them all is there.
        assert play.virt("ConfigMap", "settings")["data"] == {"colour": "red"}
        play.pair.host.get("Namespace", "default")
        play.pause(5)
    finally:
        filler.unlink()
    begun = time.monotonic()
    play.eventually("writes are taken again", lambda: not _refused(play), 30)
    play.acts("change")
    play.converges("change", since=begun, ignoring="more-")
    found = pair.virt.all("ConfigMap", play.namespace)
    names = [each["metadata"]["name"] for each in found if "more-" in each["metadata"]["name"]]
    play.tenant.deletes("ConfigMap", *names)
    play.phase("clear")
    assert pair.syncer.ends == ends, "the syncer ended by itself"


def _fill(filler: Path) -> None:
    """Take all the room that there is, and what becomes free of it meanwhile."""
    with filler.open("wb", buffering=0) as file:
        for size in (MIB, 4096):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue


def _refused(play: Play) -> bool:
    """Try to write what does not fit between two pages."""
    name = f"more-{time.monotonic_ns()}"
    try:
        play.pair.virt.create(manifests.config_map(name, play.namespace, text="x" * 200_000))
    except (ApiError, Unreachable):
        return True
    return False
