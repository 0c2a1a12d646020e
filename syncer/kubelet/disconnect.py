"""Waiting for the host while the client may leave."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from syncer.kubelet.downstream import Downstream
from syncer.kubelet.errors import ClientGone

T = TypeVar("T")


async def while_connected(down: Downstream, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; cancel it and raise ClientGone once the client closes."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(down.gone())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
