"""Programs that users run, run as they do: kubectl and helm, each with a kubeconfig of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

QUICK = 60.0  # seconds: more than any of these commands needs on a loaded machine


class Done(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str


class Failed(Exception):
    """A program that ended otherwise than it should."""


class Program:
    """A program with a kubeconfig and an environment, for as many runs as are wanted."""

    def __init__(self, name: str, kubeconfig: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.kubeconfig = kubeconfig
        # Nothing of a developer's own settings, such as the namespace of a context.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HELM"))}
        self.env = {**inherited, "KUBECONFIG": str(kubeconfig), **(env or {})}

    def with_env(self, **env: str) -> Program:
        """Return the same program with more environment variables."""
        return Program(self.name, self.kubeconfig, {**self.env, **env})

    def __call__(
        self,
        *args: str,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float = QUICK,
    ) -> Done:
        """Run to the end; raise Failed if it takes too long or, with `check`, fails."""
        return run([self.name, *args], stdin=stdin, check=check, timeout=timeout, env=self.env)

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start it and return at once; the caller ends it."""
        return subprocess.Popen(
            [self.name, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.env,
        )

    def shell(self, line: str, *, cwd: Path, timeout: float = QUICK) -> Done:
        """Run a line of a README, word for word."""
        return run(["sh", "-c", line], env=self.env, cwd=cwd, timeout=timeout)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    check: bool = True,
    timeout: float = QUICK,
    cwd: Path | None = None,
) -> Done:
    """Run a program to its end."""
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, timeout=timeout, env=env, cwd=cwd, check=False
        )
    except subprocess.TimeoutExpired as expired:
        said = b"\n".join(each for each in (expired.stdout, expired.stderr) if each)
        raise Failed(f"{shown}: not done in {timeout:.0f} s\n{said.decode()}") from None
    result = Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())
    if check and result.code != 0:
        raise Failed(f"{shown}: exit {result.code}\n{result.err}{result.out}")
    return result


def in_terminal(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    typed: str = "",
    size: tuple[int, int] = (24, 80),
    timeout: float = QUICK,
) -> Done:
    """Run a program in a terminal of its own; `typed` is typed once it has written something."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        argv, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    out, deadline = b"", time.monotonic() + timeout
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([ours], [], [], left)[0]:
                process.kill()
                raise Failed(f"{shlex.join(argv)}: not done in {timeout:.0f} s\n{out.decode()}")
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # what a terminal says when nobody is left on its other side
                break
            if not chunk:
                break
            out += chunk
            if typed:
                os.write(ours, typed.encode())
                typed = ""
    finally:
        process.wait(timeout=5)
        os.close(ours)
    return Done(process.returncode, out.decode(errors="replace"), "")
