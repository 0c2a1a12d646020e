"""`kubectl port-forward`, kept alive: when its pod restarts it ends, and is started again."""

from __future__ import annotations

import re
import subprocess
import threading
from typing import Self

from tests.e2e.shell import Program

FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ->")
AGAIN = 0.3  # seconds between two attempts: a restarted pod needs some of them


class PortForward:
    """A local port that leads to a port of a pod; the same one for as long as this lives."""

    def __init__(self, kubectl: Program, namespace: str, target: str, port: int) -> None:
        self.port = 0
        self._kubectl = kubectl
        self._namespace = namespace
        self._target = target
        self._remote = port
        self._closing = threading.Event()
        self._forwarding = threading.Event()
        self._said = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"forward {target}", daemon=True)

    def open(self, seconds: float = 30.0) -> Self:
        """Return once the port is there."""
        self._thread.start()
        if not self._forwarding.wait(seconds):
            self.close()
            raise AssertionError(f"no port-forward to {self._target}: {self._said.decode()}")
        return self

    def close(self) -> None:
        """End it."""
        self._closing.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep(self) -> None:
        while not self._closing.is_set():
            local = str(self.port or "")
            command = ("port-forward", "--namespace", self._namespace, self._target)
            with self._kubectl.start(*command, f"{local}:{self._remote}") as process:
                self._process = process
                self._follow(process)
                process.terminate()
            self._closing.wait(AGAIN)

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        said = b""
        for line in process.stdout or ():
            said += line
            found = FORWARDING.match(line)
            if found:
                self.port = int(found[1])
                self._forwarding.set()
            if self._closing.is_set():
                break
        self._said = said
