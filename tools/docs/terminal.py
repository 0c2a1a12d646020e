"""A terminal that is looked at: bash in a tmux of its own."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lab import packages
from lab.progress import Progress
from tests.e2e.waiting import Pending, until
from tools.docs.player import LONGEST

SIZE = (100, 40)
PROMPT = "$"


class Terminal:
    """Types commands and shows what a person would see."""

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        packages.ensure(Progress(), {"tmux": "tmux"})
        self._socket = f"virtualcluster-{secrets.token_hex(4)}"
        startup = directory / ".terminal"
        # Told before each prompt, so that nobody has to guess when a command has ended.
        told = f"tmux -L {self._socket} wait-for -S ready"
        startup.write_text(f"PS1='{PROMPT} '\nPROMPT_COMMAND='{told}'\n")
        columns, rows = map(str, SIZE)
        colours = ("set", "-g", "default-terminal", "screen-256color", ";")
        shell = ("new-session", "-d", "-x", columns, "-y", rows, f"bash --rcfile {startup}")
        self._tmux("-f", "/dev/null", *colours, *shell, env=dict(env), cwd=directory)
        self._ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def type(self, command: str) -> None:
        """Type a command, and return when it has ended."""
        self._tmux("send-keys", "-l", command)
        self._tmux("send-keys", "Enter")
        self._ready()

    def text(self, *, colours: bool = False) -> str:
        """Return all that is to be seen, scrolled back to the start, without the last prompt."""
        flags = ("-e",) if colours else ()
        seen = self._tmux("capture-pane", "-p", "-J", "-S", "-", *flags)
        lines = [line.rstrip() for line in seen.rstrip().splitlines()]
        return "\n".join(lines[:-1]) + "\n"

    def _ready(self) -> None:
        self._tmux("wait-for", "ready", timeout=LONGEST)

        def shown() -> bool:
            last = self._tmux("capture-pane", "-p").rstrip().splitlines()[-1:]
            if [line.strip() for line in last] != [PROMPT]:
                raise Pending(str(last))
            return True

        until("the prompt is shown, and so all before it", shown, 10.0)

    def _tmux(
        self,
        *args: str,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 10.0,
    ) -> str:
        command = ("tmux", "-L", self._socket, *args)
        return subprocess.run(
            command, env=env, cwd=cwd, timeout=timeout, check=True, capture_output=True, text=True
        ).stdout
