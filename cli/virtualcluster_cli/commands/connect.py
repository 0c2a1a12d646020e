"""`connect` and `disconnect`: a context that leads into a virtual cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import yaml

from virtualcluster_cli import connections, contexts, inside, skew
from virtualcluster_cli.access import paths
from virtualcluster_cli.errors import NoProgram, NotFound, Trouble
from virtualcluster_cli.installations import Installation, admin_kubeconfig
from virtualcluster_cli.options import Host, examples, host_options, name_argument


@examples(
    "virtualcluster connect dev                          # kubectl now uses it",
    "virtualcluster connect dev -- kubectl get pods -A   # one command, and its exit code",
    "virtualcluster connect dev --no-switch --port 7443",
    "virtualcluster disconnect dev",
)
@click.command(context_settings={"ignore_unknown_options": False})
@name_argument
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--port", default=0, help="Local port.  [default: a free port]")
@click.option("--context-name", default="", help="Name of the context.  [default: NAME_NAMESPACE]")
@click.option("--no-switch", is_flag=True, help="Do not change the current context.")
@click.option("--kubeconfig-out", default="", help="Kubeconfig to write the context to.")
@host_options
def connect(
    host: Host,
    name: str,
    command: tuple[str, ...],
    port: int,
    context_name: str,
    kubeconfig_out: str,
    *,
    no_switch: bool,
) -> None:
    """Connect to the virtual cluster NAME, by a context or for one COMMAND.

    Without COMMAND, a context is added to the kubeconfig and becomes the current one. It uses a
    port-forward that a background process keeps open and reconnects when the pod of the virtual
    cluster is replaced. `disconnect` ends the process and removes the context.
    """
    which = host.one(name)
    if command:
        sys.exit(_run(host, which, command))
    context_name = context_name or f"{which.name}_{which.namespace}"
    file = Path(kubeconfig_out).absolute() if kubeconfig_out else _file(host)
    admin = admin_kubeconfig(host.api, which)
    inside.check_right(host.api, which.namespace)
    with connections.alone(host.api.server, which.namespace, which.name):
        connection = _connection(host, which, port)
        mine = [str(file), context_name]
        others = [each for each in connection.contexts if each[:2] != mine]
        note = {
            "name": which.name,
            "namespace": which.namespace,
            "hostContext": host.access.context,
        }
        server = f"https://127.0.0.1:{connection.port}"
        try:
            contexts.add(file, context_name, admin, server, note, use=not no_switch)
        except Trouble:
            if not others:
                connection.end()
            raise
        made = [*others, [*mine, host.access.context]]
        connection._replace(contexts=made).write()
    how = f"use --context {context_name}" if no_switch else "kubectl now uses it"
    click.echo(f"connected to {which.name} by context {context_name}: {how}")
    click.echo(f"disconnect with: virtualcluster disconnect {which.name} -n {which.namespace}")


@examples("virtualcluster disconnect dev", "virtualcluster disconnect --all")
@click.command()
@click.argument("name", default="")
@click.option("--all", "everything", is_flag=True, help="End all connections of this user.")
@host_options
def disconnect(host: Host, name: str, *, everything: bool) -> None:
    """Remove the contexts of the virtual cluster NAME and end its port-forward.

    Without NAME, the virtual cluster of the current context.
    """
    if everything:
        for each in connections.all_of():
            leave(each)
        return
    name = name or (host.access.inside or {}).get("name", "")
    if not name:
        raise click.UsageError("the current context is not that of a virtual cluster: pass NAME")
    found = connections.find(host.api.server, host.namespace, name)
    if found is None:
        there = ", ".join(f"{each.name} (-n {each.namespace})" for each in connections.all_of())
        raise NotFound(
            f"no connection to {name!r} in namespace {host.namespace}",
            f"there are connections to {there}" if there else "there are no connections",
        )
    with connections.alone(found.server, found.namespace, found.name):
        leave(found)


def leave(connection: connections.Connection) -> None:
    """End a connection and remove its contexts."""
    for file, context, before in connection.contexts:
        if Path(file).exists() and contexts.remove(Path(file), context, before):
            click.echo(f"removed context {context}")
    connection.end()
    click.echo(f"disconnected from {connection.name}")


def _connection(host: Host, which: Installation, port: int) -> connections.Connection:
    """Return the connection that runs, or start one."""
    found = connections.find(host.api.server, which.namespace, which.name)
    if found is not None and found.alive:
        if port not in (0, found.port):
            raise Trouble(
                f"{which.name!r} is already connected by port {found.port}",
                f"leave --port out, or virtualcluster disconnect {which.name} first",
            )
        return found
    earlier = found.contexts if found is not None else []
    if not port and found is not None and connections.is_free(found.port):
        port = found.port  # other contexts name it
    target = inside.target_of(which)
    made = connections.start(host.access, host.api.server, target, which.name, port)
    return made._replace(contexts=earlier)


def _file(host: Host) -> Path:
    """Return the kubeconfig that kubectl would write to: whose current context counts."""
    if not host.access.kubeconfig:
        return paths("")[0]
    return paths(host.access.kubeconfig)[0]


def _run(host: Host, which: Installation, command: tuple[str, ...]) -> int:
    """Run one command inside; return its exit code."""
    program = shutil.which(command[0])
    if program is None:
        raise NoProgram(f"no program {command[0]!r} on PATH", "install it, or correct PATH")
    with (
        inside.kubeconfig(host.api, host.access, which) as config,
        tempfile.TemporaryDirectory(prefix="virtualcluster-") as directory,
    ):
        skew.warn(program, which.k3s_version)
        file = Path(directory) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(config))
        with subprocess.Popen(
            [program, *command[1:]], env={**os.environ, "KUBECONFIG": str(file)}
        ) as process:
            # Ctrl-C reaches it too, which decides what to make of it; we stay until it ends.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            ended = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            try:
                code = process.wait()
            finally:
                signal.signal(signal.SIGINT, before)
                signal.signal(signal.SIGTERM, ended)
    return 128 - code if code < 0 else code
