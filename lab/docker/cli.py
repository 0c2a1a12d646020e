"""The command line behind `scripts/docker`."""

from __future__ import annotations

import os
import shutil
import sys

import click

from lab.commands import Group
from lab.docker import network, programs
from lab.docker.engine import Engine, answers
from lab.progress import Progress
from lab.run import output


@click.group(cls=Group)
def main() -> None:
    """A Docker Engine of the project's own, on machines where none answers."""


@main.command()
@click.option("--anyway", is_flag=True, help="Also where another Engine answers.")
def up(*, anyway: bool) -> None:
    """Bring the Engine up, unless another one answers already."""
    progress = Progress()
    engine = Engine(progress)
    if not (engine.exists or anyway) and answers():
        progress.say("a Docker Engine answers already (docker info): nothing to do")
        return
    engine.up()
    progress.say("the Docker Engine is up")
    click.echo(f"export DOCKER_HOST={engine.host}")
    if shutil.which("docker") is None:
        click.echo(f"export PATH={programs.directory(progress)}{os.pathsep}$PATH")


@main.command()
def down() -> None:
    """Take the Engine down: its containers, images, networks and files; nothing else."""
    progress = Progress()
    engine = Engine(progress)
    if not engine.exists:
        progress.say("there is no Docker Engine of ours")
        return
    engine.down()
    progress.say("the Docker Engine is gone")


@main.command()
def status() -> None:
    """Show whether the Engine answers, and what runs in it; exit with 1 if it does not."""
    engine = Engine(Progress())
    if not engine.exists:
        click.echo("there is no Docker Engine of ours: scripts/docker up")
        sys.exit(1)
    click.echo(f"DOCKER_HOST  {engine.host}")
    click.echo(f"addresses    {network.ADDRESS} (published ports), networks of {network.POOL}")
    if not engine.runs():
        click.echo(f"it does not answer; its log: {engine.log}")
        sys.exit(1)
    version = ["docker", "version", "--format", "{{.Server.Version}}"]
    click.echo(f"Engine       {output(version, env=engine.environment)}")
    click.echo(f"containers   {', '.join(engine.busy()) or 'none'}")
