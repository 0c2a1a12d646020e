"""The command line of the lab: reads and checks arguments, then calls plain functions."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from lab import check as host
from lab import extras, k3simages, packages, power, registry, teardown, versions
from lab.addresses import MAX_NODES
from lab.assets import Assets
from lab.buildah import Image
from lab.cache import locked
from lab.commands import Group
from lab.errors import LabError
from lab.lab import Lab
from lab.progress import Progress
from lab.status import describe

DEFAULT_NAME = "virtualcluster"

_name = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab.")


@click.group(cls=Group)
def main() -> None:
    """A real Kubernetes cluster on this machine, without Docker and without a registry."""


@main.command()
@_name
@click.option(
    "--kubernetes", "minor", help=f"Its minor version.  [default: {versions.DEFAULT_KUBERNETES}]"
)
@click.option(
    "--nodes",
    type=click.IntRange(1, MAX_NODES),
    help=f"How many nodes.  [default: {registry.DEFAULT_NODES}]",
)
def up(name: str, minor: str | None, nodes: int | None) -> None:
    """Bring a lab up, or bring it back to health and its images up to date."""
    progress = Progress()
    lab, _ = bring_up(progress, name, minor, nodes)
    progress.say(f"lab {name} is up; {k3simages.made_on(lab.registration.minor)}")
    click.echo(f"export KUBECONFIG={lab.kubeconfig}")


@main.command()
@_name
def down(name: str) -> None:
    """Take a lab down, completely."""
    progress = Progress()
    with _existing(name, progress) as lab:
        teardown.down(lab)
    progress.say(f"lab {name} is gone")


@main.command()
@_name
def status(name: str) -> None:
    """Show a lab's processes, addresses and files; exit with 1 if something is not well."""
    with _existing(name, Progress(), lock=False) as lab:
        healthy = describe(lab, click.echo)
    sys.exit(0 if healthy else 1)


@main.command()
@_name
def check(name: str) -> None:
    """Show that a lab works: versions, pods, volumes, logs, exec, Services and DNS on each node."""
    progress = Progress()
    with _existing(name, progress) as lab:
        found = lab.registration
        kubectl = Assets(progress, found.minor).tools(tests=False) / "kubectl"
        host.check(kubectl, lab.kubeconfig, found.kubernetes.version, progress.say)


@main.command()
@_name
@click.argument("archives", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def load(name: str, archives: tuple[Path, ...]) -> None:
    """Load image archives (docker-archive or OCI tar files) into every node."""
    with _existing(name, Progress()) as lab:
        lab.load_archives(archives)


@main.command()
@_name
@click.argument("minors", nargs=-1, required=True)
def k3s(name: str, minors: tuple[str, ...]) -> None:
    """Put k3s of other minors into a lab that is up, as its presets name them: real, if given."""
    progress = Progress()
    with _existing(name, progress) as lab:
        lab.load(Assets(progress, lab.registration.minor).virtual_images(minors))
    made_on = ", ".join(k3simages.made_on(each) for each in minors)
    progress.say(f"lab {name} has {made_on}")


@main.command(name="power")
@_name
@click.argument("state", type=click.Choice(("off", "on")))
@click.argument("number", type=int)
def power_(name: str, state: str, number: int) -> None:
    """Take the power from a node, or give it back."""
    progress = Progress()
    with _existing(name, progress) as lab:
        if state == "off":
            power.off(lab, number)
        else:
            power.on(lab, Assets(progress, lab.registration.minor), number)
    progress.say(f"lab {name}: the power of node-{number} is {state}")


@main.command()
@_name
@click.argument("names", nargs=-1, required=True, type=click.Choice(tuple(extras.EXTRAS)))
def extra(name: str, names: tuple[str, ...]) -> None:
    """Put optional add-ons into a lab that is up: built, loaded, applied and available."""
    progress = Progress()
    with _existing(name, progress) as lab:
        extras.bring(lab, Assets(progress, lab.registration.minor), names)
    progress.say(f"lab {name} has {', '.join(names)}")


@main.command()
@_name
def kubeconfig(name: str) -> None:
    """Print the path of the admin's kubeconfig."""
    with _existing(name, Progress(), lock=False) as lab:
        click.echo(lab.kubeconfig)


@main.command()
@click.option("--kubernetes", "minor", default=versions.DEFAULT_KUBERNETES, show_default=True)
@click.option("--tests", is_flag=True, help="With helm-unittest.")
def tools(minor: str, *, tests: bool) -> None:
    """Print a directory with kubectl and helm, for PATH."""
    click.echo(Assets(Progress(), minor).tools(tests=tests))


def bring_up(
    progress: Progress, name: str, minor: str | None = None, nodes: int | None = None
) -> tuple[Lab, list[Image]]:
    """Bring a lab up; return it and the images of the working tree that are in it now."""
    registration = registry.register(name, minor, nodes)
    with locked(registration.lock, _waiting(progress, name)):
        packages.ensure(progress)
        assets = Assets(progress, registration.minor)
        assets.prepare()
        lab = Lab(registration, progress)
        try:
            built = assets.product_images()
        except LabError:
            lab.up(assets, None)  # a product that does not build leaves a cluster to look at
            raise
        lab.up(assets, assets.store(built) if lab.is_new() else None)
        lab.load(built)
    return lab, built


@contextlib.contextmanager
def _existing(name: str, progress: Progress, *, lock: bool = True) -> Iterator[Lab]:
    registration = registry.find(name)
    if registration is None:
        others = ", ".join(registry.names()) or "none"
        raise LabError(f"no lab {name}; there are: {others}")
    hold = locked(registration.lock, _waiting(progress, name)) if lock else contextlib.nullcontext()
    with hold:
        yield Lab(registration, progress)


def _waiting(progress: Progress, name: str) -> Callable[[], None]:
    return lambda: progress.say(f"another run is at lab {name}; waiting for it")
