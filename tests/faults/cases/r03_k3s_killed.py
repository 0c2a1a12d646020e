"""R3: k3s, with its API server and datastore, is killed again and again under load."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from typing import Self

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Unreachable
from tests.faults.case import Case
from tests.faults.play import Play
from tests.faults.reference import Reference

KILLS, FEW = 100, 2
BACK = 120.0


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield k3s alone, and with it the syncer, which then starts first."""
    many = FEW if fast else KILLS
    yield Case(
        "R3",
        "k3s",
        "kill -9 of k3s under load",
        functools.partial(_play, many, syncer_too=False),
        fast=True,
    )
    yield Case(
        "R3",
        "both",
        "kill -9 of k3s and the syncer, which is back first",
        functools.partial(_play, FEW if fast else KILLS // 10, syncer_too=True),
    )


class Load:
    """Writes as long as there is a server, and remembers what was acknowledged."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.acknowledged: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def goes_on(self) -> None:
        """Wait until some more has been written."""
        wanted = len(self.acknowledged) + 20
        self.play.eventually("the load goes on", lambda: len(self.acknowledged) >= wanted, BACK)

    def _write(self) -> None:
        number = 0
        while not self._over.wait(0.02):
            number += 1
            name = f"load-{number}"
            made = manifests.config_map(name, self.play.namespace, number=str(number))
            try:
                made = self.play.pair.virt.create(made)
            except (ApiError, Unreachable):
                continue  # nobody said that it was written
            self.acknowledged[name] = made["metadata"]["uid"]


def _play(many: int, play: Play, *, syncer_too: bool) -> None:
    pair = play.pair
    play.phase("create")
    with Load(play) as load:
        for number in range(many):
            load.goes_on()
            if number == many // 2:
                play.acts("change")
            if syncer_too:
                pair.syncer.kill()
            pair.k3s.kill()
            play.struck()
            pair.k3s.start()
            begun = time.monotonic()
            pair.reach()
            pair.syncer.ready(BACK)
            play.converged(begun)
    play.converges("change", since=time.monotonic(), ignoring="load-")
    found = {
        each["metadata"]["name"]: each["metadata"]["uid"]
        for each in pair.virt.all("ConfigMap", play.namespace)
    }
    missing = [name for name, uid in load.acknowledged.items() if found.get(name) != uid]
    assert not missing, f"acknowledged, and gone: {missing[:5]} ({len(missing)})"
    play.note(f"{len(load.acknowledged)} acknowledged writes, all there")
    play.tenant.deletes("ConfigMap", *(each for each in found if each.startswith("load-")))
    play.phase("clear")
