"""`kubectl port-forward`, for as long as a block."""

from __future__ import annotations

import re
import subprocess
import threading
from typing import Self

from tests.e2e.shell import Program

FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ->")


class PortForward:
    """A local port that leads to a port of a pod, or of a Service's first pod."""

    def __init__(self, kubectl: Program, namespace: str, target: str, port: int) -> None:
        self.port = 0
        self._kubectl = kubectl
        self._command = ("port-forward", "--namespace", namespace, target, f":{port}")
        self._forwarding = threading.Event()
        self._said = b""

    def __enter__(self) -> Self:
        self._process: subprocess.Popen[bytes] = self._kubectl.start(*self._command)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        if not self._forwarding.wait(30.0) or not self.port:
            self._end()
            raise AssertionError(f"no port-forward: {self._said.decode()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        with self._process:  # closes its pipes, and waits
            self._process.terminate()
            self._thread.join(10.0)

    def _follow(self) -> None:
        """Read all that it says: it would stop if nobody did."""
        for line in self._process.stdout or ():
            self._said += line
            found = FORWARDING.match(line)
            if found:
                self.port = int(found[1])
                self._forwarding.set()
        self._forwarding.set()  # it ended
