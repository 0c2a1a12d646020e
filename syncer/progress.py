"""How far the start has come, and the parts that are there by then, for probes and metrics."""

from __future__ import annotations

from collections.abc import Callable

from syncer.client import Client
from syncer.controller import Controller
from syncer.sources import Sources


class Progress:
    """What the start is waiting for, and what it has made."""

    def __init__(self) -> None:
        self.stage = "starting"
        self.sources: Sources | None = None
        self.controller: Controller | None = None
        self.clients: list[Client] = []
        self.versions: dict[str, str] = {}
        """Of both API servers, by side."""
        self.expiries: Callable[[], dict[str, float]] = dict
        """When the virtual cluster's certificates end, by their names."""

    def waits_for(self) -> str:
        """Return what readiness waits for; empty when all is in step."""
        if self.controller is not None and self.controller.started:
            if self.controller.world.frozen and not self.controller.sources.restored:
                return "deletions are held: see the log"
            return ""
        if self.sources is not None:
            return self.sources.trouble() or self.stage
        return self.stage
