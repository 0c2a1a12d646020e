"""Commands that show what the user can act on without a traceback."""

from __future__ import annotations

from typing import Any

import click

from lab.errors import LabError


class Command(click.Command):
    """A command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise click.ClickException(str(error)) from error


class Group(Command, click.Group):
    """A command that has commands of its own."""
