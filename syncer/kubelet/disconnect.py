"""Waiting for the host while the client may leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from syncer.kubelet.errors import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from syncer.kubelet.downstream import Downstream

T = TypeVar("T")


async def while_connected(down: Downstream, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; cancel it and raise ClientGoneError once the client closes."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(down.gone())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
