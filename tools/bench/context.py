"""What every scenario is given, and how it runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from tools.bench.installation import Installation
from tools.bench.results import Results
from tools.bench.rows import Row

T = TypeVar("T")
INTERRUPTED = 143


@dataclass
class Context:
    """One run."""

    installation: Installation
    results: Results
    say: Callable[[str], None]
    output: Path
    small: bool = False
    sizes: Collection[int] = ()
    """Only bursts of so many pods; all if empty."""
    repeats: int = 5
    profile: bool = False
    resting_bytes: list[float] = field(default_factory=list)
    """The syncer's memory before anything was measured; one value once it is known."""

    def row(self, row: Row) -> None:
        """Add a line to the result."""
        self.results.rows.append(row)

    def times(self, wanted: int) -> int:
        """Return how often something is measured that would be measured so often."""
        return 1 if self.small else min(wanted, self.repeats)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario's asynchronous part; SIGTERM ends it tidily, and then the program."""

    async def whole() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work()

    try:
        return uvloop.run(whole())
    except asyncio.CancelledError:
        sys.exit(INTERRUPTED)
    finally:
        on_sigterm()  # the loop has taken the handler with it


def on_sigterm() -> None:
    """Let SIGTERM end the program as Ctrl+C does: whatever was made is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(INTERRUPTED))
