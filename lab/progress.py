"""Says what is being done, for a person who waits: a line at least every few seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

HEARTBEAT = 12.0  # silence longer than this reads as a hang
QUIET = 0.4  # steps shorter than this are not worth a line of their own


def span(seconds: float) -> str:
    """Return a duration as people write it."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


class Task:
    """One thing under way; `note` tells what it is at just now."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.detail = ""
        self.begun = time.monotonic()
        self.said = self.begun

    def note(self, detail: str) -> None:
        """Remember what to show in the next line; costs nothing, so call it often."""
        self.detail = detail


class Progress:
    """Prints starts, ends and, every few seconds, what is still under way."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._tasks: list[Task] = []
        self._beat: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Print one line with the time since the start."""
        elapsed = span(time.monotonic() - self._begun)
        with self._lock:
            print(f"[{elapsed:>6}] {text}", file=self._out, flush=True)

    @contextlib.contextmanager
    def task(self, what: str, *, quiet: bool = False) -> Iterator[Task]:
        """Show `what` while the block runs; a quiet one only if it takes long or fails."""
        task = Task(what)
        with self._lock:
            self._tasks.append(task)
            if self._beat is None:
                self._beat = threading.Thread(target=self._run, daemon=True)
                self._beat.start()
        if not quiet:
            self.say(f"{what} …")
        try:
            yield task
        except BaseException:
            self.say(f"{what}: failed after {span(time.monotonic() - task.begun)}")
            raise
        else:
            took = time.monotonic() - task.begun
            if not quiet or took > HEARTBEAT:
                self.say(f"{what}: done in {span(took)}")
        finally:
            with self._lock:
                self._tasks.remove(task)

    def _run(self) -> None:
        while True:
            time.sleep(1)
            now = time.monotonic()
            with self._lock:
                due = [t for t in self._tasks if now - t.said >= HEARTBEAT]
                for task in due:
                    task.said = now
            for task in due:
                detail = f": {task.detail}" if task.detail else ""
                self.say(f"  … {task.what}, {span(now - task.begun)} so far{detail}")
