"""`create`, `upgrade` and `delete`: Helm does it, and what comes of it is shown."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import click

from virtualcluster_cli import connections, progress
from virtualcluster_cli.chart_options import Wanted, chart_options
from virtualcluster_cli.commands.connect import leave
from virtualcluster_cli.errors import NotReady, Trouble
from virtualcluster_cli.helm import Helm, Running, trouble, warnings
from virtualcluster_cli.installations import check_name, synced_pods_of
from virtualcluster_cli.options import Host, examples, host_options, name_argument

GONE = 120.0  # seconds for the last pods; their grace period is the tenants' to choose


@examples(
    "virtualcluster create dev",
    "virtualcluster create dev -n team-x -f values.yaml --kubernetes 1.34",
    "virtualcluster create dev --repo https://charts.example.com --set storage.size=20Gi",
)
@click.command()
@name_argument
@chart_options
@host_options
def create(
    host: Host,
    name: str,
    wanted: Wanted,
    timeout: float,
) -> None:
    """Create the virtual cluster NAME, and wait until it is usable.

    The host namespace is made if it is not there and you may make it.
    """
    check_name(name)
    helm = Helm(host.access)
    helm.check()
    host.api.version()  # says better than helm what is wrong with the way there
    state = helm.release(name, host.namespace)
    if state:
        raise Trouble(
            f"there is a release {name!r} in namespace {host.namespace} already ({state})",
            f"virtualcluster upgrade {name}, or delete it first, or take another name",
        )
    with wanted.found(helm) as (found, flags):
        if host.api.find(f"/api/v1/namespaces/{host.namespace}") is None:
            flags.append("--create-namespace")
        command = ("install", name, str(found.directory), f"--namespace={host.namespace}", *flags)
        with _helm(helm, *command, f"--timeout={timeout:.0f}s") as failed:
            try:
                progress.until_usable(host.api, host.namespace, name, timeout, busy=failed)
            except Trouble:
                if helm.release(name, host.namespace) == "failed":
                    helm.uninstall(name, host.namespace)  # it made nothing that is of use
                raise
    click.echo(f"virtual cluster {name} is usable: virtualcluster connect {name}{_place(host)}")


@examples(
    "virtualcluster upgrade dev",
    "virtualcluster upgrade dev --kubernetes 1.35",
    "virtualcluster upgrade dev --set sync.ingresses.enabled=false",
)
@click.command()
@name_argument
@chart_options
@host_options
def upgrade(
    host: Host,
    name: str,
    wanted: Wanted,
    timeout: float,
) -> None:
    """Upgrade the virtual cluster NAME: another chart, other values, another version.

    Values that were given before stay unless they are given again. One that is paused resumes.
    """
    which = host.one(name)
    helm = Helm(host.access)
    helm.check()
    before = which.statefulset["metadata"].get("generation", 0)
    with wanted.found(helm) as (found, flags):
        # Not --reuse-values: a newer chart's templates need its new defaults.
        command = ("upgrade", name, str(found.directory), f"--namespace={host.namespace}")
        with _helm(helm, *command, "--reset-then-reuse-values", *flags) as failed:
            path = f"/apis/apps/v1/namespaces/{host.namespace}/statefulsets/{name}"
            while failed():
                time.sleep(progress.LOOK)
            _until_rolled(host, path, before, timeout)
            progress.until_usable(host.api, host.namespace, name, timeout)
    click.echo(f"virtual cluster {name} is upgraded")


@examples("virtualcluster delete dev", "virtualcluster delete dev -n team-x --yes")
@click.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@host_options
def delete(host: Host, name: str, *, yes: bool) -> None:
    """Delete the virtual cluster NAME with all that runs in it, and its data.

    Data is kept where the chart was told so (storage.keep).
    """
    which = host.one(name)
    helm = Helm(host.access)
    if not yes:
        pods = len(synced_pods_of(host.api, host.namespace, name))
        click.confirm(
            f"delete virtual cluster {name} in namespace {host.namespace}, its {pods} pods and its"
            " data?",
            abort=True,
            err=True,
        )
    found = connections.find(host.api.server, host.namespace, name)
    if found is not None:
        leave(found)
    done = helm.uninstall(name, host.namespace)
    if done.code != 0:
        raise trouble(done.err)
    _until_gone(host, which.name)
    click.echo(f"virtual cluster {name} is deleted")


def _until_gone(host: Host, name: str) -> None:
    deadline = time.monotonic() + GONE
    while left := synced_pods_of(host.api, host.namespace, name):
        if time.monotonic() > deadline:
            names = ", ".join(each["metadata"]["name"] for each in left[:3])
            raise NotReady(
                f"{len(left)} pods of {name!r} are still ending ({names})",
                f"watch them: kubectl get pods -n {host.namespace}",
            )
        time.sleep(progress.LOOK)


def _until_rolled(host: Host, path: str, before: int, timeout: float) -> None:
    """Wait until the pod is that of the new version: the old one looks ready as well."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = host.api.find(path) or {"metadata": {}}
        status = found.get("status") or {}
        unchanged = found["metadata"].get("generation") == before
        seen = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
        new = status.get("currentRevision") == status.get("updateRevision")
        if unchanged or (seen and (new or status.get("updatedReplicas"))):
            return
        time.sleep(progress.LOOK)


@contextlib.contextmanager
def _helm(helm: Helm, *command: str) -> Iterator[Callable[[], bool]]:
    """Run helm beside a block; give what tells whether it runs, and raises when it failed.

    What the chart's notes warn of is said on standard error: nobody sees the notes themselves.
    """
    running: Running = helm.start(*command)

    def busy() -> bool:
        if running.running:
            return True
        done = running.result()
        if done.code != 0:
            raise trouble(done.err + done.out)
        return False

    try:
        yield busy
        if not running.running:
            for each in warnings(running.result().out):
                click.secho(f"warning: {each}", fg="yellow", err=True)
    finally:
        if running.running:
            running.end()


def _place(host: Host) -> str:
    return "" if host.namespace == host.access.namespace else f" -n {host.namespace}"
