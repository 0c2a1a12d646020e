"""How far the start has come, and the parts that are there by then, for probes and metrics."""

from __future__ import annotations

from collections.abc import Callable

from syncer.kube.api_probe import Pulse
from syncer.kube.client import Client
from syncer.leader.election import Leader
from syncer.sync.controller import Controller
from syncer.sync.informers import Sources
from syncer.telemetry.http import Check

HELD = "deletions are held until the operator confirms them: see the log"


class Progress:
    """What the start is waiting for, what it has made, and what is wrong since."""

    def __init__(self) -> None:
        self.stage = "starting"
        self.sources: Sources | None = None
        self.controller: Controller | None = None
        self.pulse: Pulse | None = None
        self.leader: Leader | None = None
        """Where there are several replicas."""
        self.standing_by = False
        """All is known, and one of several replicas leads: this one, or another."""
        self.clients: list[Client] = []
        self.versions: dict[str, str] = {}
        """Of both API servers, by side."""
        self.expiries: Callable[[], dict[str, float]] = dict
        """When the virtual cluster's certificates end, by their names."""

    @property
    def in_step(self) -> bool:
        """Whether both sides were known completely once."""
        return self.standing_by or (self.controller is not None and self.controller.started)

    def checks(self) -> list[Check]:
        """Return what readiness depends on, and what is wrong with each.

        start          both sides were known completely once
        virt-api       the virtual API server answers, and its datastore
        datastore      it is the one whose objects the host has
        deletions      the brake holds none back but those of a restore
        virt-watches, host-watches    what is known of each side is fresh: see kube/freshness.py
        """
        found = [Check("start", self._start())]
        if self.pulse is not None:
            found.append(Check("virt-api", self.pulse.trouble()))
        if self.sources is not None:
            found.append(Check("datastore", self.sources.datastore.strange))
            if self.controller is not None:
                # Those of a restore are the operator's own doing, and may stay for days.
                held = len(self.controller.world.brake) and not self.sources.datastore.restored
                found.append(Check("deletions", HELD if held else ""))
            sides = ("virt", "host")
            found += [Check(f"{side}-watches", self.sources.stale(side)) for side in sides]
        return found

    def ready(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(each.trouble for each in self.checks())

    def _start(self) -> str:
        if self.in_step:
            return ""
        return (self.sources.trouble() if self.sources is not None else "") or self.stage
