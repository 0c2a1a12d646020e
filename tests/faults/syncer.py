"""The syncer: the real process, as its image starts it, and restarted as by a kubelet."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from lab.paths import REPO
from tests.e2e.waiting import Pending, until
from tests.faults.child import Child

GLANCE = 0.05
READY = 180.0


class Syncer:
    """One syncer and what restarts it."""

    def __init__(
        self, name: str, args: list[str], environment: dict[str, str], state: Path, port: int
    ) -> None:
        # Like the image: `python3 -m syncer`, with nothing else of this run on its path.
        own = {"PYTHONPATH": str(REPO), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        path = os.environ.get("PATH", "")
        command = [sys.executable, "-m", "syncer", *args, f"--listen-port={port}"]
        self.child = Child(
            name, command, state, {"PATH": path, "HOME": str(state), **own, **environment}
        )
        self.port = port
        self.kills = 0
        """How often the run ended it."""
        self.ends = 0
        """How often it ended by itself."""
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._expected = False
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        """Keep it running."""
        with self._lock:
            self.child.start()
            self._wanted.set()
        if not self._thread.is_alive():
            self._thread.start()

    def run_on(self) -> None:
        """Start it unless it is to run already."""
        if not self._wanted.is_set():
            self.start()

    def stop(self) -> None:
        """End it as a node does that shuts down, and leave it ended."""
        self._wanted.clear()
        with self._lock:
            self.child.stop()

    def close(self) -> None:
        """End it for good."""
        self._wanted.clear()
        self._over.set()
        with self._lock:
            self.child.kill()

    def kill(self, *, stay: bool = False) -> None:
        """kill -9, and with `stay` no restart."""
        if stay:
            self._wanted.clear()
        self.kills += 1
        self._expected = True
        self.child.signal(signal.SIGKILL)
        if stay:
            with self._lock:
                self.child.kill()

    def pause(self) -> None:
        """Stop it in mid-flight."""
        self.child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.child.signal(signal.SIGCONT)

    def _watch(self) -> None:
        while not self._over.wait(GLANCE):
            with self._lock:
                if self._wanted.is_set() and not self.child.runs():
                    if not self._expected:
                        self.ends += 1
                    self._expected = False
                    self.child.start()

    def state(self) -> str:
        """Return what /readyz says: "ok" when it is in step."""
        try:
            with urllib.request.urlopen(self._url("readyz"), timeout=5) as answer:  # noqa: S310
                return str(answer.read().decode().strip())
        except urllib.error.HTTPError as error:
            return error.read().decode().strip()
        except OSError as error:
            return f"unreachable: {error}"

    def ready(self, seconds: float = READY) -> float:
        """Wait until it is in step; return how long that took."""
        begun = time.monotonic()

        def in_step() -> bool:
            found = self.state()
            if found != "ok":
                raise Pending(found)
            return True

        until(f"{self.child.name} is in step", in_step, seconds)
        return time.monotonic() - begun

    def gauge(self, wanted: str) -> float:
        """Return a figure of /metrics, summed over its labels."""
        with urllib.request.urlopen(self._url("metrics"), timeout=5) as answer:  # noqa: S310
            text = answer.read().decode()
        found = [
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith((f"{wanted} ", f"{wanted}{{"))
        ]
        assert found, f"/metrics has no {wanted}"
        return sum(found)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"
