"""What the syncer does all the while: samples of its stacks, taken from outside by py-spy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.e2e.processes import container_id, first_process
from tools.bench.context import Context
from tools.bench.errors import BenchError
from tools.bench.installation import Installation

RATE = 200  # samples a second; it costs the syncer a few percent
PATIENCE = 60.0


@contextlib.asynccontextmanager
async def profiling(context: Context, name: str) -> AsyncIterator[None]:
    """Write a flame graph of the syncer during the block, if profiles are wanted."""
    if not context.profile:
        yield
        return
    file = context.output / f"profile-{name}.svg"
    log = file.with_suffix(".log")
    command = ("py-spy", "record", "--rate", str(RATE), "--output", str(file))
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, "--pid", str(syncer_pid(context.installation)), stdout=said, stderr=said
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)  # write what there is
            async with asyncio.timeout(PATIENCE):
                await process.wait()
    if not file.exists():
        raise BenchError(f"py-spy has written no profile: {log.read_text()[-500:]}")
    context.say(f"profile: {file}")


def syncer_pid(installation: Installation) -> int:
    """Return the syncer's process on this machine: only a lab's is here."""
    release = installation.release
    pod = release.host.api.get("Pod", release.pod, release.namespace)
    pid = first_process(container_id(pod, "syncer"))
    if pid is None:
        raise BenchError("the syncer does not run on this machine, as a lab's does")
    return pid


def started_at(pid: int) -> float:
    """Return when a process started, by the wall clock; `btime` in /proc/stat is whole seconds."""
    # The name in parentheses may hold anything; what follows the last one is plain.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks)
