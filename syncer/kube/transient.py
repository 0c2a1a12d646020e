"""Asks again for as long as an API server is the one in trouble, not the question.

At the start and at take-over a single answer that fails would otherwise end the process: a new
leader would give its term up for one 503, and a container that ends again and again is started
later and later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from syncer.errors import Conflict, ServerError, TooManyRequests, Unreachable

log = structlog.get_logger()
PAUSE_SECONDS = 1.0  # below the retry period of the lease, so that a new leader loses no term
TRANSIENT = (Conflict, ServerError, TooManyRequests, Unreachable)
"""What another try may mend. A Conflict is the race of a read and the write that follows it."""
T = TypeVar("T")


async def until_answered(what: str, ask: Callable[[], Awaitable[T]]) -> T:
    """Return the answer of `ask`, which is called again after each transient error.

    `what` is what the log says is waited for. Raises whatever else `ask` raises, at once.
    """
    told = ""
    while True:
        try:
            return await ask()
        except TRANSIENT as error:
            if str(error) != told:
                told = str(error)
                log.warning("waiting for an API server", waits_for=what, error=told)
            asked_for = error.retry_after if isinstance(error, TooManyRequests) else 0.0
            await asyncio.sleep(max(PAUSE_SECONDS, asked_for))
