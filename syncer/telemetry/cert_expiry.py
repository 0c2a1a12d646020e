"""When the virtual cluster's certificates end.

k3s makes its own for a year and renews them when it starts within their last months: one that runs
on and on ends with certificates that nobody takes. Its authorities last ten years. Those that the
syncer signs for itself are left out: a new one is made whenever a connection finds an old one.
"""

from __future__ import annotations

from pathlib import Path

from syncer import certfile

FILES = {
    "server-ca": "server-ca.crt",
    "client-ca": "client-ca.crt",
    "request-header-ca": "request-header-ca.crt",
    "api-server": "serving-kube-apiserver.crt",
    "admin": "client-admin.crt",
    "controller-manager": "client-controller.crt",
}
"""Name of a certificate → its file among those of k3s; not every version has each."""


class Expiries:
    """Reads each file once, and again when it is another."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[certfile.Stamp, float]] = {}

    def __call__(self) -> dict[str, float]:
        """Return, by name, the seconds since 1970 at which each certificate ends."""
        return {name: end for name in FILES if (end := self._end(name)) is not None}

    def _end(self, name: str) -> float | None:
        path = self._directory / FILES[name]
        try:
            stamp = certfile.stamp(path)
            if self._known.get(name, (None, 0.0))[0] != stamp:
                end = certfile.first(path.read_bytes()).not_valid_after_utc.timestamp()
                self._known[name] = (stamp, end)
        except (OSError, ValueError):
            return None  # not there, or being written
        return self._known[name][1]
