"""The main job behind scripts/up and scripts/down: a virtual cluster, shown to work."""

from __future__ import annotations

import click

from lab import job_host, job_install, job_show
from lab.cli import DEFAULT_NAME
from lab.commands import Group
from lab.progress import Progress

RELEASE = "virtualcluster"
NAMESPACE = "virtualcluster"

_lab = click.option("--lab", default=DEFAULT_NAME, show_default=True, help="Name of the lab.")
_host = click.option(
    "--host",
    "kind",
    type=click.Choice(["auto", "lab", "kind"]),
    default="auto",
    show_default=True,
    help="Which host cluster, when KUBECONFIG names none.",
)


@click.group(cls=Group)
def main() -> None:
    """A virtual cluster on a real host cluster, and its removal."""


@main.command()
@_lab
@_host
def up(lab: str, kind: str) -> None:
    """Bring up a host cluster if none is given, install the chart, show that it works.

    With KUBECONFIG set, that cluster is the host. Run again, it is quick and changes nothing.
    """
    progress = Progress()
    host = job_host.choose(progress, lab, kind)
    host.prepare()
    release = job_install.Release(progress, host, RELEASE, NAMESPACE)
    release.install()
    job_show.show(progress, release)


@main.command()
@_lab
@_host
def down(lab: str, kind: str) -> None:
    """Remove what `up` made: the release, its namespace, the host cluster; nothing else."""
    progress = Progress()
    host = job_host.find(progress, lab, kind)
    if host is None:
        progress.say("nothing to remove")
        return
    if not host.ours():
        job_install.Release(progress, host, RELEASE, NAMESPACE).remove()
    host.remove()


if __name__ == "__main__":
    main()
