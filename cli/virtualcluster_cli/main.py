"""The command line: `virtualcluster`, and `kubectl virtualcluster`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from click.shell_completion import ShellComplete

from virtualcluster_cli import __version__
from virtualcluster_cli.commands.backing_up import backup
from virtualcluster_cli.commands.completion import completion
from virtualcluster_cli.commands.connect import connect, disconnect
from virtualcluster_cli.commands.credentials import kubeconfig
from virtualcluster_cli.commands.explain import explain_command
from virtualcluster_cli.commands.lifecycle import create, delete, upgrade
from virtualcluster_cli.commands.listing import list_command
from virtualcluster_cli.commands.pausing import pause, resume
from virtualcluster_cli.commands.restoring import restore
from virtualcluster_cli.commands.status import status

CODES = """\b
Exit codes:
  0    success
  1    failure; the message has the cause and the cure
  2    invalid command line
  3    no such virtual cluster, object, context or preset
  4    forbidden or not authenticated
  5    the cluster does not answer
  6    not ready in time, or paused
  127  a required program is not installed
connect NAME -- COMMAND ends with the exit code of COMMAND.

\b
Examples:
  virtualcluster create dev
  virtualcluster connect dev                         # kubectl now uses it
  kubectl get namespaces
  virtualcluster explain pod/web-0 -n shop           # why is it not running?"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=CODES
)
@click.version_option(__version__, prog_name="virtualcluster")
def main() -> None:
    """Whole Kubernetes clusters, each inside one namespace of another.

    All commands use the rights of your own kubeconfig only.
    """


for each in (
    create,
    list_command,
    connect,
    disconnect,
    status,
    explain_command,
    kubeconfig,
    pause,
    resume,
    backup,
    restore,
    upgrade,
    delete,
    completion,
):
    main.add_command(each)


def run() -> None:
    """Run the command line of this process."""
    called = Path(sys.argv[0]).name
    name = "kubectl virtualcluster" if called.startswith("kubectl-") else "virtualcluster"
    try:
        main(prog_name=name)
    except BrokenPipeError:  # of `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def complete_for_kubectl() -> None:
    """Answer kubectl, which asks its plugins for completions: words, then what to do with them."""
    *before, incomplete = sys.argv[1:] or [""]
    for each in ShellComplete(main, {}, "virtualcluster", "").get_completions(before, incomplete):
        click.echo(f"{each.value}\t{each.help}" if each.help else each.value)
    click.echo(":4")  # no names of files


if __name__ == "__main__":
    run()
