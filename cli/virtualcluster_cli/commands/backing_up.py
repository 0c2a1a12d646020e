"""`backup`: the state of a virtual cluster in one file, taken while it runs."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from virtualcluster_cli import backups, inside
from virtualcluster_cli.errors import NotReady, Trouble
from virtualcluster_cli.execute import Ended, Place, execute
from virtualcluster_cli.installations import SYNCER, Installation
from virtualcluster_cli.options import Host, examples, host_options, name_argument

UNKNOWN_COMMAND = 2  # how click ends


@examples(
    "virtualcluster backup dev                      # writes dev-20260131T120000Z.tar.gz",
    "virtualcluster backup dev -n team-x -o /backups/dev.tar.gz",
    "virtualcluster backup dev -o - | age -r KEY > dev.tar.gz.age   # encrypted",
)
@click.command()
@name_argument
@click.option(
    *("-o", "--output"),
    default="",
    help="File, or - for standard output.  [default: NAME-TIME.tar.gz]",
)
@host_options
def backup(host: Host, name: str, output: str) -> None:
    """Save the state of the virtual cluster NAME in one file, while it runs.

    The file holds all objects at one point in time, the keys of the certificate authorities and
    tokens: protect it like those. It does not hold the volumes of pods or the values of the chart.
    """
    which = host.one(name)
    backups.check_datastore(which)
    if which.paused or which.pod is None:
        raise NotReady(
            f"virtual cluster {name!r} is {which.phase.lower()}, and its state can only be read"
            " while it runs",
            f"virtualcluster resume {name} -n {which.namespace}",
        )
    inside.check_right(host.api, which.namespace, "exec")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    file = Path(output or f"{name}-{stamp}.tar.gz")
    if output == "-":
        with tempfile.TemporaryDirectory(prefix="virtualcluster-") as directory:
            whole = Path(directory) / "backup.tar.gz"
            _take(host, which, whole)
            with whole.open("rb") as content:
                shutil.copyfileobj(content, sys.stdout.buffer)
        return
    _take(host, which, file)


def _take(host: Host, which: Installation, file: Path) -> None:
    """Write a backup that was checked; a file of that name is there only when it is whole."""
    half = file.with_name(f"{file.name}.part")
    if file.exists():
        raise Trouble(f"{file} exists already", "pass another file with -o, or remove it")
    with _while_written(half) as out:
        command = [
            *("python3", "-m", "syncer", "backup"),
            f"--release={which.name}",
            f"--namespace={which.namespace}",
            f"--k3s-data-dir={which.syncer_flag('--k3s-data-dir') or '/data'}",
            f"--k3s-version={_served_by(host, which)}",
        ]
        place = Place(which.namespace, f"{which.name}-0", SYNCER)
        ended = execute(host.access, place, command, take=out.write)
        out.close()
        if ended.code != 0:
            raise _trouble(ended, which)
        saved = backups.read(half)
        half.rename(file)
    click.echo(
        f"virtual cluster {which.name} is saved in {file} ({_size(file)}): it holds all of its"
        " Secrets and the keys of its certificate authorities",
        err=True,
    )
    click.echo(f"state of {saved.created}, revision {saved.revision}", err=True)


@contextlib.contextmanager
def _while_written(half: Path) -> Iterator[IO[bytes]]:
    """Give a new file that is removed after the block unless the block moved it."""
    out = backups.private(half)
    try:
        yield out
    finally:
        out.close()
        half.unlink(missing_ok=True)


def _trouble(ended: Ended, which: Installation) -> Trouble:
    if ended.code == UNKNOWN_COMMAND and "No such command" in ended.said:
        return Trouble(
            f"the syncer of {which.name!r} is too old for backups",
            f"virtualcluster upgrade {which.name} -n {which.namespace}",
        )
    return Trouble(f"{which.name!r} could not be backed up: {ended.why}")


def _served_by(host: Host, which: Installation) -> str:
    """Return which k3s has served the datastore last, as the syncer wrote it down."""
    path = f"/api/v1/namespaces/{which.namespace}/configmaps/{which.name}-discovered"
    found = host.api.find(path) or {}
    return str((found.get("data") or {}).get("K3S_VERSION") or which.k3s_version)


def _size(file: Path) -> str:
    size = float(file.stat().st_size)
    for unit in ("B", "KB", "MB"):
        if size < 1000:  # noqa: PLR2004
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
