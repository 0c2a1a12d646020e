"""Builds the wheel and the source distribution of the command line; behind scripts/package-cli.

The wheel is made from the source distribution, so that both are known to hold all that is needed,
and in a copy, so that no build leaves anything in the clone. What builds them is locked by hash: an
environment of the build's own would fetch whatever is newest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from lab.commands import Command
from lab.errors import LabError
from lab.paths import REPO
from lab.run import run
from tools.package import source_date

SOURCE = REPO / "cli"
VARIABLE = "VC_RELEASE"
"""Where the programs of requirements/release.lock are; scripts/package-cli says so."""


def build(destination: Path) -> list[Path]:
    """Build both into a directory; return them."""
    home = os.environ.get(VARIABLE)
    if not home:
        raise LabError(f"{VARIABLE} is not set: run scripts/package-cli")
    environment = {**os.environ, "PYTHONPATH": ""}
    environment.setdefault("SOURCE_DATE_EPOCH", str(source_date(SOURCE)))
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "cli"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        made = Path(scratch) / "dist"
        builder: list[str | Path] = [f"{home}/bin/python", "-m", "build", "--no-isolation"]
        run([*builder, copy, "--outdir", made], env=environment)
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
