"""The body of a request that is not sent once writing has become forbidden.

Between the beginning of a request and its first byte there may be a connection to be made, and a
process that is stopped meanwhile goes on right there, minutes later (threats R16).
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from syncer.errors import NotLeading


class Fenced(aiohttp.BytesPayload):
    """Asks once more at the last moment; the request's head waits for its body and goes with it."""

    def __init__(self, content: bytes, may_write: Callable[[], bool], kind: str) -> None:
        super().__init__(content, content_type=kind)
        self._may_write = may_write

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send the body; raises NotLeading, which closes the connection before anything is sent."""
        if not self._may_write():
            raise NotLeading("not sent: another replica may lead by now")
        await super().write_with_length(writer, content_length)
