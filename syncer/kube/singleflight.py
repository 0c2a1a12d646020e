"""One at a time: whoever begins work under a name keeps others from it until that work is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Turns:
    """Names under which somebody is at work.

    How the work ended is not told: who waited looks for itself, and begins anew if it has to.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._under_way

    async def over(self, name: str) -> None:
        """Return once nobody is at work under the name."""
        while (turn := self._under_way.get(name)) is not None:
            await asyncio.shield(turn)  # who waits may be cancelled, and only that one

    @contextmanager
    def taken(self, names: Iterable[str]) -> Iterator[None]:
        """Be at work under the names, under which nobody else is."""
        names = list(names)
        turn = asyncio.get_running_loop().create_future()
        self._under_way.update(dict.fromkeys(names, turn))
        try:
            yield
        finally:
            for name in names:
                del self._under_way[name]
            turn.set_result(None)
