"""The port-forwards that `connect` leaves running: where they are written down, and their ends.

Each is a process that holds a lock on `<key>.lock` for as long as it lives: the kernel lets go of
it however the process ends, so that nobody takes another process of the same number for it. It
ends by itself when its entry `<key>.json` is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from virtualcluster_cli.access import Access
from virtualcluster_cli.errors import Trouble
from virtualcluster_cli.forward import Target, listen

ENDING = 10.0  # seconds


class Connection(NamedTuple):
    """One port-forward that runs in the background."""

    server: str
    """The host's address: a virtual cluster of the same name on another host is another."""
    namespace: str
    name: str
    port: int
    pid: int
    contexts: list[list[str]]
    """[kubeconfig file, context, the context before] that lead through it."""

    @property
    def key(self) -> str:
        """Return what its files are called."""
        return key_of(self.server, self.namespace, self.name)

    @property
    def file(self) -> Path:
        """Return the file that says that it is to run."""
        return directory() / f"{self.key}.json"

    @property
    def alive(self) -> bool:
        """Tell whether its process lives."""
        with _locked(self.key, "lock", wait=False) as free:
            return not free

    def write(self) -> None:
        """Write it down."""
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps(self._asdict()))
        beside.replace(self.file)

    def end(self) -> None:
        """End its process, and wait until it is gone."""
        self.file.unlink(missing_ok=True)
        deadline = time.monotonic() + ENDING
        told = False
        while self.alive:
            if not told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGTERM)
                told = True
            if time.monotonic() > deadline:
                raise Trouble(
                    f"the port-forward of {self.name!r} does not end", f"kill process {self.pid}"
                )
            time.sleep(0.02)


def directory() -> Path:
    """Return where connections are written down; made if need be, for the user alone."""
    state = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    made = Path(state) / "virtualcluster" / "connections"
    try:
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Trouble(
            f"{made} cannot be created ({error.strerror})",
            "set XDG_STATE_HOME to a directory that you own",
        ) from None
    return made


def key_of(server: str, namespace: str, name: str) -> str:
    """Return the key of a virtual cluster on this machine."""
    return hashlib.sha256(f"{server}\0{namespace}\0{name}".encode()).hexdigest()[:24]


def find(server: str, namespace: str, name: str) -> Connection | None:
    """Return the connection to a virtual cluster, alive or not."""
    return _read(directory() / f"{key_of(server, namespace, name)}.json")


def all_of() -> list[Connection]:
    """Return all that are written down, of all hosts."""
    found = [_read(each) for each in sorted(directory().glob("*.json"))]
    return [each for each in found if each is not None]


@contextlib.contextmanager
def alone(server: str, namespace: str, name: str) -> Iterator[None]:
    """Hold others off who connect to or disconnect from the same virtual cluster meanwhile."""
    with _locked(key_of(server, namespace, name), "making", wait=True):
        yield


def start(access: Access, server: str, target: Target, name: str, port: int) -> Connection:
    """Start the process of a new connection; the port is open when this returns."""
    key = key_of(server, target.namespace, name)
    with _socket(port) as listening, _locked(key, "lock", wait=False) as lock:
        if not lock:
            raise Trouble(
                f"another command is starting a port-forward of {name!r}", "try again in a moment"
            )
        made = Connection(server, target.namespace, name, listening.getsockname()[1], 0, [])
        made.write()  # before the process, which ends when it does not see it
        job = {
            "access": access._replace(inside=None),
            "target": target,
            "listening": listening.fileno(),
            "lock": lock,
            "entry": str(made.file),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "virtualcluster_cli.forwarder", json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(listening.fileno(), lock),
            start_new_session=True,  # not ended by Ctrl-C in the terminal
            cwd="/",
        )
        made = made._replace(pid=process.pid)
        made.write()
    process.returncode = 0  # nobody waits for it: it outlives this process
    return made


def is_free(port: int) -> bool:
    """Tell whether a port of this machine can be had."""
    try:
        listen(port).close()
    except OSError:
        return False
    return True


def _socket(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise Trouble(
            f"port {port} of this machine cannot be used ({error.strerror})",
            "pass another --port, or none to use a free port",
        ) from None


def _read(file: Path) -> Connection | None:
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        return Connection(**content)
    except (FileNotFoundError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def _locked(key: str, what: str, *, wait: bool) -> Iterator[int]:
    """Hold a lock for as long as a block; give its descriptor, or 0 when somebody else has it."""
    handle = os.open(directory() / f"{key}.{what}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield 0
            return
        yield handle
    finally:
        # Closed, not unlocked: a process that inherited the descriptor keeps the lock.
        os.close(handle)
