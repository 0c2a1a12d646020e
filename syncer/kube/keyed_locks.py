"""Locks by name: whoever works under a name keeps others from it until that work is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager


class Locks:
    """One lock for each name, held with `async with locks(name)`, first come first served.

    How the work of the one before ended is not told: who has waited looks for itself.
    """

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}
        """How many hold or wait for each lock; one that nobody does is forgotten."""

    def __contains__(self, name: str) -> bool:
        """Tell whether somebody holds the name's lock, or waits for it."""
        return name in self._users

    @asynccontextmanager
    async def __call__(self, *names: str) -> AsyncIterator[None]:
        """Hold the locks of all names. They are not reentrant.

        Several are taken in one order, so that two who want the same ones never wait for each
        other. Whoever takes more while holding some must take only names that are not in here.
        """
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                await stack.enter_async_context(self._one(name))
            yield

    @asynccontextmanager
    async def _one(self, name: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] = self._users.get(name, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]
