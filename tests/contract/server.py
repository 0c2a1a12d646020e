"""One k3s server on a stage, started as often as a scenario wants."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tests.contract import stage
from tests.contract.rootfs import ENVIRONMENT

START = 300.0  # seconds; a bound for what hangs, on a machine with much else to do
WRITTEN = "kube-config.yaml"


class End(NamedTuple):
    """How a process ended."""

    code: int
    """Its exit code; minus the signal that it died of."""
    seconds: float
    log: str


class Process:
    """A program of the image, the first process of a container."""

    def __init__(self, image: Path, scratch: Path, data: Path, *argv: str) -> None:
        self._start = scratch / f"start-{len(list(scratch.glob('start-*')))}"
        self._start.mkdir()
        self._log = self._start / "log"
        variables = json.loads((image / ENVIRONMENT).read_text())
        self._begin = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                stage.command(image, self._start, data, *argv),
                env=stage.environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def runs(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def log(self) -> str:
        """Return what it has written."""
        return self._log.read_text(errors="replace")

    def path(self, name: str) -> Path:
        """Return where a file of its own root is: not of what is mounted there."""
        return self._start / "upper" / name.lstrip("/")

    def first(self) -> int:
        """Return the first process of the container, as its id is here."""
        return next(iter(children(self._process.pid)))

    def end(self, seconds: float = START) -> End:
        """Wait until it has ended by itself."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it has not ended in {seconds:.0f} s: {self.tail()}") from None
        return self._ended(self._begin)

    def stop(self) -> End:
        """End it as a kubelet does, and say how long that took."""
        asked = time.monotonic()
        os.kill(self.first(), signal.SIGTERM)
        self._process.wait(START)
        return self._ended(asked)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def tail(self) -> str:
        """Return the end of what it has written."""
        return self.log()[-2000:]

    def _ended(self, since: float) -> End:
        return End(self._process.returncode, time.monotonic() - since, self.log())


def children(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """Return the processes that a process has started, by whichever of its threads."""
    found = (each.read_text().split() for each in proc.glob(f"{pid}/task/*/children"))
    return sorted(int(each) for listed in found for each in listed)
