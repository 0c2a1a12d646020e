"""Plays pages of the documentation as a reader does: block by block, in one shell."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tools.docs import blocks
from tools.docs.blocks import SHELL, Block

LONGEST = 240.0  # seconds for one command: the longest is an installation on a busy machine


class Differs(AssertionError):
    """What a page says is not what happens."""


class Shell:
    """One bash, as a reader has it: what a block sets, the next one has."""

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self.directory = directory
        self._end = f"end-{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=directory,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # With all that it has in the background.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def run(self, command: str) -> tuple[int, str]:
        """Run a command, or a script of several; return its exit code and all that it printed.

        A script ends at the first command that fails, and leaves the shell as it is then.
        """
        script = self.directory / ".block"
        script.write_text(command + "\n")
        assert self._process.stdin
        assert self._process.stdout
        # A script that fails must not take the shell along: the first failure is its `return`.
        line = (
            "trap 'code=$?; trap - ERR; return $code' ERR; set -o pipefail;"
            f" . {script} </dev/null; code=$?; trap - ERR; printf '\\n{self._end} %s\\n' $code\n"
        )
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        said, _, code = self._read(command).rpartition(f"\n{self._end} ")
        return int(code), said

    def _read(self, command: str) -> str:
        assert self._process.stdout
        out, deadline = b"", time.monotonic() + LONGEST
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while not (self._end.encode() in out and out.endswith(b"\n")):
                if not ready.select(deadline - time.monotonic()):
                    raise Differs(f"not done in {LONGEST:.0f} s: {command}\n{out.decode()}")
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    raise Differs(f"the shell ended: {command}\n{out.decode()}")
                out += chunk
        return out.decode(errors="replace")


def play(shell: Shell, block: Block, instead: Mapping[str, str]) -> None:
    """Play one block; `instead` says which words stand for others here. Raise Differs."""
    if block.file:
        file = shell.directory / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(replaced(block.text, instead))
    if block.language not in SHELL:
        return
    for step in blocks.steps(block):
        command = replaced(step.command, instead)
        code, printed = shell.run(command)
        if (code != 0) != step.fails:
            raise Differs(f"{block.where}: exit code {code}\n$ {command}\n{printed}")
        shown = tuple(replaced(line, instead) for line in step.shown or ())
        if missing := blocks.differences(shown, printed):
            lines = "\n".join(missing)
            raise Differs(f"{block.where}: not printed:\n{lines}\n$ {command}\n{printed}")


def replaced(text: str, instead: Mapping[str, str]) -> str:
    """Return a text with some words replaced."""
    for word, other in instead.items():
        text = text.replace(word, other)
    return text
