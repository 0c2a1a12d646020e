"""Asks the virtual API server again and again whether it is there, and whose datastore it serves.

The watches tell of a server that is gone, and not of one that takes connections and answers
nothing, nor of one whose datastore does not answer: a watch of those is merely silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from syncer.errors import ApiError, OtherCluster, Unreachable

log = structlog.get_logger()
PAUSE = 10.0  # seconds between two questions: a read of one object, which costs next to nothing
AGAIN = 1.0  # while it does not answer
PATIENCE = 5.0  # for an answer; the host's probes have as much


class Pulse:
    """Knows since when the server that `ask` asks does not answer; `clock` gives seconds."""

    def __init__(self, ask: Callable[[], Awaitable[None]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._since: float | None = None
        self._error = ""

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(PAUSE if self._since is None else AGAIN)

    async def beat(self) -> None:
        """Ask once."""
        asked = self._clock()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ask()
        except OtherCluster:
            self._since = None  # it answers; sync/datastore_identity.py says what is wrong with it
        except (ApiError, Unreachable, TimeoutError) as error:
            self._error = str(error) or f"no answer within {PATIENCE:.0f} s"
            if self._since is None:
                self._since = asked
                log.warning("virtual API server unreachable", error=self._error)
        else:
            if self._since is not None:
                log.info("virtual API server reachable", away=self.away())
            self._since = None

    def away(self) -> float:
        """Return for how many seconds it has not answered."""
        return 0.0 if self._since is None else self._clock() - self._since

    def trouble(self) -> str:
        """Return since when it does not answer, and why; empty when it does."""
        if self._since is None:
            return ""
        return f"the virtual API server has not answered for {self.away():.0f} s: {self._error}"
