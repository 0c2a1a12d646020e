"""How long a virtual API is away while something is done to it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Self

from tests.e2e.cluster import ApiError, Cluster, Unreachable

PAUSE = 0.05  # seconds between two requests


class Gap:
    """Asks for a namespace again and again while it is open; knows the longest silence.

    `fresh`: by a new connection each time, as many clients that come one after another.
    """

    def __init__(self, virt_kubeconfig: Path, *, fresh: bool = False) -> None:
        self.seconds = 0.0
        """The longest time between two good answers."""
        self.answers = 0
        self._api = Cluster(virt_kubeconfig)
        self._fresh = fresh
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="gap", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._api.close()

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(PAUSE):
            if self._fresh:
                self._api.close()
            try:
                self._api.get("Namespace", "default")
            except (ApiError, Unreachable):
                # What answers without knowing us is no API that anybody could use.
                self.seconds = max(self.seconds, time.monotonic() - last)
                continue
            now = time.monotonic()
            self.seconds, last = max(self.seconds, now - last), now
            self.answers += 1
