"""The daemons of a lab: started in a node's network namespace, known by pid and start time."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.cache import digest
from lab.cgroups import Cgroups
from lab.errors import LabError
from lab.mounts import Binds, entering

PATIENCE = 15.0  # a component that does not end on SIGTERM in this time is killed
# Nothing of the caller's environment: a proxy variable would send the components elsewhere.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True)
class Daemon:
    """One daemon: its name, where it runs, its command, and the files that it reads at start."""

    name: str
    netns: Path
    command: Sequence[str]
    files: Sequence[Path] = ()
    binds: Binds = ()
    """Directories that it sees elsewhere than where they are."""

    def digest(self) -> str:
        """Return a key that changes when a restart is needed to take over a change."""
        return digest(list(self.command), [f.read_text() for f in self.files], *self.binds)


@functools.cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> str | None:
    """Return what tells a process from a later one with the same id; None if it has ended."""
    try:
        # The name in parentheses may hold anything; what follows the last one is plain.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


class Processes:
    """Starts, checks and ends the daemons of one lab."""

    def __init__(self, state: Path, cgroups: Cgroups) -> None:
        self._run = state / "run"
        self._log = state / "log"
        self._cgroups = cgroups
        self._run.mkdir(parents=True, exist_ok=True)
        self._log.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Return the path of a daemon's log."""
        return self._log / f"{name}.log"

    def names(self) -> list[str]:
        """Return the daemons that were started and not ended since."""
        return sorted(p.stem for p in self._run.glob("*.json"))

    def pid(self, name: str) -> int | None:
        """Return the id of a daemon that runs, else None; a recycled id is never taken for it."""
        record = self._record(name)
        if record is None or record["boot"] != _boot_id():
            return None
        pid, start = int(record["pid"]), start_time(int(record["pid"]))
        return pid if start is not None and start == record["start"] else None

    def ensure(self, daemon: Daemon) -> bool:
        """Start a daemon unless it runs with this command and these files; tell if started."""
        record = self._record(daemon.name)
        if self.pid(daemon.name) is not None:
            if record is not None and record["digest"] == daemon.digest():
                return False
            self.stop(daemon.name)
        self._start(daemon)
        return True

    def stop(self, *names: str) -> None:
        """End daemons, by SIGTERM and if need be SIGKILL, and forget them."""
        running = {name: pid for name in names if (pid := self.pid(name)) is not None}
        for sig, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, PATIENCE)):
            for name in list(running):
                self._signal(name, sig)
            deadline = time.monotonic() + patience
            while running and time.monotonic() < deadline:
                running = {n: p for n, p in running.items() if self.pid(n) is not None}
                time.sleep(0.02)
        if running:
            raise LabError(f"processes do not end, even with SIGKILL: {running}")
        for name in names:
            (self._run / f"{name}.json").unlink(missing_ok=True)

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a daemon's log, for a message."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])
        return ""

    def check(self, name: str) -> None:
        """Refuse to go on when a daemon has died, with the end of its log."""
        if self.pid(name) is None:
            raise LabError(f"{name} has ended; its log {self.log(name)} ends:\n{self.tail(name)}")

    def _signal(self, name: str, sig: signal.Signals) -> None:
        pid = self.pid(name)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if self.pid(name) == pid:  # still the same one, now that it is pinned
                    signal.pidfd_send_signal(handle, sig)
            finally:
                os.close(handle)

    def _end_strays(self, cgroup: Path, daemon: Daemon) -> None:
        """End a daemon whose record was never written, because `up` was killed just then.

        By its command, since what it started (containerd: every container) shares its cgroup.
        """
        command = b"".join(os.fsencode(part) + b"\0" for part in daemon.command)
        for pid in map(int, (cgroup / "cgroup.procs").read_text().split()):
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(pid)
                try:
                    if Path(f"/proc/{pid}/cmdline").read_bytes() == command:
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        select.select([handle], [], [], PATIENCE)  # readable: it has ended
                finally:
                    os.close(handle)

    def _record(self, name: str) -> dict[str, str] | None:
        try:
            record: dict[str, str] = json.loads((self._run / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None
        return record

    def _start(self, daemon: Daemon) -> None:
        cgroup = self._cgroups.daemon(daemon.name)
        self._end_strays(cgroup, daemon)
        # `nsenter`, not `ip netns exec`: that one mounts a new /sys, without the cgroups.
        # The shell, nsenter and the daemon are one process after another: the pid stays.
        enter = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        place = [f"--net={daemon.netns}", *entering(daemon.binds)]
        command = ["nsenter", *place, *daemon.command]
        with self.log(daemon.name).open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", enter, "sh", str(cgroup), *command],
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {
            "pid": str(process.pid),
            "start": start_time(process.pid),
            "boot": _boot_id(),
            "digest": daemon.digest(),
        }
        half = self._run / f".{daemon.name}.half"
        half.write_text(json.dumps(record))
        half.rename(self._run / f"{daemon.name}.json")
