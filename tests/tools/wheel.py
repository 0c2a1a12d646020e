"""Builds the wheel and the source distribution of the command line; behind scripts/package-cli.

The wheel is made from the source distribution, so that both are known to hold all that is needed,
and in a copy, so that no build leaves anything in the clone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from tests.lab.commands import Command
from tests.lab.paths import REPO
from tests.lab.run import run
from tests.tools.package import source_date

SOURCE = REPO / "cli"
BUILD = "build>=1.2"


def build(destination: Path) -> list[Path]:
    """Build both into a directory; return them."""
    environment = {**os.environ, "PYTHONPATH": ""}
    environment.setdefault("SOURCE_DATE_EPOCH", str(source_date(SOURCE)))
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "cli"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        tools = Path(scratch) / "venv"
        run([sys.executable, "-m", "venv", tools])
        pip = (tools / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
        run([*pip, "install", BUILD], env=environment)
        made = Path(scratch) / "dist"
        run([tools / "bin" / "python", "-m", "build", copy, "--outdir", made], env=environment)
        destination.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy(each, destination)) for each in sorted(made.iterdir())]


@click.command(cls=Command)
@click.option(
    "--destination",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPO / "build" / "dist",
    help="Where they go.  [default: build/dist]",
)
def main(destination: Path) -> None:
    """Build the wheel and the source distribution of `virtualcluster`, the command line."""
    for path in build(destination):
        click.echo(path)


if __name__ == "__main__":
    main(prog_name="scripts/package-cli")
