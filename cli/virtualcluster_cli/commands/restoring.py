"""`restore`: puts a backup in the place of a virtual cluster's state."""

from __future__ import annotations

import time
from pathlib import Path

import click

from virtualcluster_cli import backups, inside, progress, volume
from virtualcluster_cli.chart_options import Wanted, more_chart_options
from virtualcluster_cli.commands.pausing import scale
from virtualcluster_cli.errors import NoAnswer, NotFound, Trouble
from virtualcluster_cli.execute import execute
from virtualcluster_cli.helm import Helm, trouble
from virtualcluster_cli.installations import Installation, check_name, synced_pods
from virtualcluster_cli.options import Host, examples, host_options, name_argument
from virtualcluster_cli.report import sync_figures
from virtualcluster_cli.shared.archive import Manifest

RESTORED = "virtualcluster.dev/restored"
CONFIRM = "virtualcluster.dev/confirm-deletions"


@examples(
    "virtualcluster restore dev -f dev-20260131T120000Z.tar.gz",
    "virtualcluster restore dev -n team-y -f dev.tar.gz --values values.yaml   # creates dev",
    "virtualcluster restore dev -f dev.tar.gz --yes     # replaces the state of dev",
)
@click.command()
@name_argument
@click.option(*("-f", "--file"), required=True, help="The backup.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@more_chart_options
@host_options
def restore(host: Host, name: str, file: str, wanted: Wanted, timeout: float, *, yes: bool) -> None:
    """Replace the state of the virtual cluster NAME by a backup.

    If NAME does not exist, it is created first, with the given chart and values. Running pods that
    are in the backup keep running. Host objects that are newer than the backup are kept until you
    confirm their deletion.
    """
    check_name(name)
    saved = backups.read(Path(file))
    click.echo(
        f"{file}: {saved.release} of namespace {saved.namespace}, k3s {saved.k3s_version},"
        f" state of {saved.created}",
        err=True,
    )
    which = _existing(host, name)
    if which is None:
        if not yes:
            _confirm_kept(host, name)
        which = _created(host, name, saved, wanted, timeout)
    else:
        if wanted.given:
            raise click.UsageError(f"{name} is there: its chart and values stay as they are")
        backups.check_fits(saved, which)
        if not yes:
            _confirm(host, which, saved)
    inside.check_right(host.api, which.namespace, "exec")
    _put(host, which, saved, Path(file), timeout)
    scale(host, which, 1)
    progress.until_usable(host.api, host.namespace, name, timeout)
    click.echo(f"virtual cluster {name} has the state of {saved.created}")
    _tell_held(host, which)


def _existing(host: Host, name: str) -> Installation | None:
    try:
        return host.one(name)
    except NotFound:
        return None


def _created(
    host: Host, name: str, saved: Manifest, wanted: Wanted, timeout: float
) -> Installation:
    """Install it and do not wait: what it begins with is replaced at once."""
    helm = Helm(host.access)
    helm.check()
    with wanted.found(helm) as (found, flags):
        if host.api.find(f"/api/v1/namespaces/{host.namespace}") is None:
            flags.append("--create-namespace")
        command = ("install", name, str(found.directory), f"--namespace={host.namespace}", *flags)
        done = helm.start(*command, f"--timeout={timeout:.0f}s").result()
    if done.code != 0:
        if helm.release(name, host.namespace) == "failed":
            helm.uninstall(name, host.namespace)
        raise trouble(done.err + done.out)
    which = host.one(name)
    try:
        backups.check_fits(saved, which)
    except Trouble:
        helm.uninstall(name, host.namespace)
        raise
    click.echo(f"virtual cluster {name} is created", err=True)
    return which


def _confirm(host: Host, which: Installation, saved: Manifest) -> None:
    pods = len(synced_pods(host.api, which))
    click.confirm(
        f"replace the state of {which.name} in namespace {which.namespace}, which has {pods} pods,"
        f" by that of {saved.created}? Later changes are lost",
        abort=True,
        err=True,
    )


def _confirm_kept(host: Host, name: str) -> None:
    """Ask about the state of an earlier installation of that name (storage.keep)."""
    path = f"/api/v1/namespaces/{host.namespace}/persistentvolumeclaims/{name}-data"
    if host.api.find(path) is not None:
        click.confirm(
            f"replace the state that an earlier {name} left in the claim {name}-data?",
            abort=True,
            err=True,
        )


def _put(host: Host, which: Installation, saved: Manifest, file: Path, timeout: float) -> None:
    """Stop the control plane and put the state in place; it is stopped afterwards."""
    deadline = time.monotonic() + timeout
    was_running = not which.paused
    anchor = f"/api/v1/namespaces/{which.namespace}/configmaps/{which.name}-anchor"
    owner = host.api.json("GET", anchor)
    volume.check_claim(host, which)
    scale(host, which, 0)
    late = f"pod {which.name}-0 does not terminate"
    progress.wait_until(lambda: host.one(which.name).pod is None, deadline, late, which.namespace)
    click.echo("stopped; its pods keep running", err=True)
    ended = None
    try:
        with volume.opened(host, which, owner, deadline) as place:
            _note(host, anchor, saved.cluster_uid)
            size = file.stat().st_size
            command = ("python3", "-m", "syncer", "restore", f"--size={size}")
            directory = f"--k3s-data-dir={saved.data_dir}"
            with file.open("rb") as content:
                ended = execute(host.access, place, (*command, directory), send=content)
    except NoAnswer as error:
        raise Trouble(
            f"{error.cause}; {which.name!r} is stopped", "run the same command again"
        ) from None
    except Trouble:
        if ended is None:  # nothing was changed
            _as_before(host, which, anchor, running=was_running)
        raise
    if ended.code != 0:
        _as_before(host, which, anchor, running=was_running)
        raise Trouble(f"{ended.why}; {which.name!r} has the state that it had")
    _note_version(host, which, saved)
    click.echo("the backup is restored", err=True)


def _as_before(host: Host, which: Installation, anchor: str, *, running: bool) -> None:
    _note(host, anchor, None)
    if running:
        scale(host, which, 1)


def _note(host: Host, anchor: str, cluster_uid: str | None) -> None:
    """Tell the syncer that this datastore is the right one, and to be careful at its start."""
    host.api.json("PATCH", anchor, {"metadata": {"annotations": {RESTORED: cluster_uid}}})


def _note_version(host: Host, which: Installation, saved: Manifest) -> None:
    """Let the chart know which k3s has served this datastore last."""
    path = f"/api/v1/namespaces/{which.namespace}/configmaps/{which.name}-discovered"
    if saved.k3s_version and host.api.find(path) is not None:
        host.api.json("PATCH", path, {"data": {"K3S_VERSION": saved.k3s_version}})


def _tell_held(host: Host, which: Installation) -> None:
    """Say how much is newer than the backup, and how it may go."""
    try:
        count = int(
            sync_figures(host.api, host.access, host.one(which.name)).get("deletions_held", 0)
        )
    except Trouble as error:
        click.echo(
            f"whether host objects are newer than the backup cannot be determined: {error.cause}",
            err=True,
        )
        return
    if count:
        click.echo(
            f"{count} host objects are newer than the backup and were kept. The log of"
            f" the syncer names them; to delete them:\n  kubectl annotate configmap"
            f" {which.name}-anchor -n {which.namespace} {CONFIRM}=yes",
            err=True,
        )
