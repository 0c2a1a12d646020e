"""Copying bytes between two connections.

TLS has no half-close, so when one side ends, what it sent last is delivered and both go.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto

from syncer.kubelet.limits import Limits
from syncer.kubelet.tls_stream import TlsStream


async def relay(
    client: TlsStream, host: TlsStream, of_client: bytes, of_host: bytes, limits: Limits
) -> None:
    """Copy both ways until one side ends, then see to it that its last bytes arrive.

    `of_client` and `of_host` are what each has sent already. Both streams are closed afterwards.
    """
    pulse = Pulse()
    to_host = asyncio.create_task(_copy(of_client, client, host, pulse))
    to_client = asyncio.create_task(_copy(of_host, host, client, pulse))
    both = {to_host, to_client}
    try:
        ended, running = await _first_end(both, pulse, limits.stall)
        # A side that takes no more bytes may have sent some that are still to be delivered; of a
        # side that has ended there is nothing more, and nobody there to deliver anything to.
        if ended and all(task.result() is End.DESTINATION for task in ended) and running:
            await asyncio.wait(running, timeout=limits.flush)
        for task in running:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await asyncio.gather(host.finish(limits.flush), client.finish(limits.flush))
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


class End(Enum):
    """Why a copy has ended."""

    SOURCE = auto()
    DESTINATION = auto()


class Pulse:
    """When the last byte moved, in either direction."""

    def __init__(self) -> None:
        self.beat()

    def beat(self) -> None:
        """Note that bytes are moving."""
        self._last = time.monotonic()

    def silence(self) -> float:
        """Return for how long none has."""
        return time.monotonic() - self._last


Copies = set[asyncio.Task[End]]


async def _first_end(both: Copies, pulse: Pulse, stall: float) -> tuple[Copies, Copies]:
    """Wait for a copy to end; return the ended and the running ones (all, when nothing moves)."""
    while (left := stall - pulse.silence()) > 0:
        ended, running = await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if ended:
            return ended, running
    return set(), both


async def _copy(early: bytes, source: TlsStream, sink: TlsStream, pulse: Pulse) -> End:
    """Copy until one of the two ends; a slow sink stops the reading."""
    data = early
    while True:
        try:
            if data:
                await sink.write(data)
                pulse.beat()
        except OSError:
            return End.DESTINATION
        try:
            data = await source.read()
        except OSError:
            return End.SOURCE
        if not data:
            return End.SOURCE
