"""What a user reads when something is wrong: one line of cause and cure, and an exit code.

Trouble
├── NotFound (3)      no such virtual cluster, object, namespace
├── NoRight (4)       the host does not know the caller, or does not let them
├── NoAnswer (5)      no cluster where the kubeconfig says, or none that answers
├── NotReady (6)      it did not get ready in time, or is paused
└── NoProgram (127)   a program that is needed is not installed, as a shell has it

Anything else that a user can mend is a plain Trouble (1); 2 is a wrong command line.
"""

from __future__ import annotations

from typing import IO, Any

import click


class Trouble(click.ClickException):
    """Something that the user can act on; shown without a traceback."""

    exit_code = 1

    def __init__(self, cause: str, cure: str = "") -> None:
        self.cause = one_line(cause).rstrip(".;:, ")
        self.cure = cure
        super().__init__(f"{self.cause}: {cure}" if cure else self.cause)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it where errors go."""
        click.secho("error: ", fg="red", bold=True, nl=False, err=True, file=file)
        click.echo(self.message, err=True, file=file)


class NotFound(Trouble):
    """There is no such thing."""

    exit_code = 3


class NoRight(Trouble):
    """The caller is not known, or may not."""

    exit_code = 4


class NoAnswer(Trouble):
    """No API server answers."""

    exit_code = 5


class NotReady(Trouble):
    """It is not ready, and was waited for as long as allowed."""

    exit_code = 6


class NoProgram(Trouble):
    """A program is not installed."""

    exit_code = 127


def one_line(text: str) -> str:
    """Return a text without its line breaks and doubled spaces."""
    return " ".join(text.split())
