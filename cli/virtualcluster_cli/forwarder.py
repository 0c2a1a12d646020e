"""The process behind a connection: `python -m virtualcluster_cli.forwarder JOB`, JOB as JSON.

It inherits a socket that listens and a lock that is held, serves until it is told to end or its
entry is gone, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from virtualcluster_cli.access import Access
from virtualcluster_cli.forward import Forward, Target

LOOK = 2.0  # seconds between two looks whether it is still wanted


def main() -> None:
    """Serve until the end."""
    asyncio.run(_run(json.loads(sys.argv[1])))


async def _run(job: dict[str, Any]) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, end.set)
    listening = socket.socket(fileno=job["listening"])
    forward = Forward(Access(*job["access"]), Target(*job["target"]))
    watching = asyncio.create_task(_until_gone(Path(job["entry"]), end))
    try:
        await forward.serve(listening, end)
    finally:
        watching.cancel()


async def _until_gone(entry: Path, end: asyncio.Event) -> None:
    while entry.exists():  # noqa: ASYNC240 (a look at a local directory)
        try:
            await asyncio.wait_for(end.wait(), LOOK)
        except TimeoutError:
            continue
        return
    end.set()


if __name__ == "__main__":
    main()
