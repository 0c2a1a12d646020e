"""A token bucket: bounds how fast requests leave, so that no virtual cluster floods its host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Bucket:
    """Lets `rate` requests a second pass, and `burst` at once after a rest."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self.waited = 0.0
        """Seconds that requests waited here, all together."""

    def hold(self, seconds: float) -> None:
        """Let nothing pass for `seconds`: the server said so (Retry-After)."""
        self._refill()
        self._tokens = min(self._tokens, -seconds * self._rate)

    async def take(self) -> None:
        """Wait for one token, in order of arrival."""
        self._refill()
        self._tokens -= 1.0
        if self._tokens < 0.0:
            pause = -self._tokens / self._rate
            self.waited += pause
            await asyncio.sleep(pause)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
