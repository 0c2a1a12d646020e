"""How fresh what is known of one resource type is: when its API server was last heard of."""

from __future__ import annotations

from collections.abc import Callable

SILENT = 90.0  # seconds: servers send a bookmark every 60 s, and a dead stream is noticed after 70
FAILING = 30.0  # seconds: the longest pause between two tries; less is a server that restarts


class Freshness:
    """Remembers when there was word of a server, and since when there is none; no I/O."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard = clock()
        self._failing_since: float | None = None
        self._error = ""

    def heard(self) -> None:
        """Take note of a sign of life: a list, an event, a bookmark, a watch that was opened."""
        self._heard = self._clock()
        self._failing_since = None

    def failed(self, error: object) -> None:
        """Take note of a try that failed."""
        self._error = str(error)
        if self._failing_since is None:
            self._failing_since = self._clock()

    def stale(self) -> str:
        """Return why what is known may be long out of date; empty when it is fresh."""
        now = self._clock()
        if self._failing_since is not None and now - self._failing_since > FAILING:
            return f"failing for {now - self._failing_since:.0f} s: {self._error}"
        if now - self._heard > SILENT:
            return f"no word for {now - self._heard:.0f} s"
        return ""
