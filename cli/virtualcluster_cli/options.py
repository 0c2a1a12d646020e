"""The options that commands share, and what stands behind them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from virtualcluster_cli import access
from virtualcluster_cli.access import Access
from virtualcluster_cli.api import Api
from virtualcluster_cli.errors import Trouble
from virtualcluster_cli.installations import Installation, all_of, one

Function = Callable[..., Any]


class Host(NamedTuple):
    """The host cluster that a command is about."""

    api: Api
    access: Access
    namespace: str

    def one(self, name: str) -> Installation:
        """Return a virtual cluster of the namespace."""
        return one(self.api, self.namespace, name)


@contextlib.contextmanager
def opened(kubeconfig: str, context: str, namespace: str) -> Iterator[Host]:
    """Give the host that the options name."""
    found = access.find(kubeconfig, context)
    inside = (found.inside or {}).get("namespace", "")
    api = Api(found)
    try:
        yield Host(api, found, namespace or inside or found.namespace)
    finally:
        api.close()


def host_options(function: Function) -> Function:
    """Add the options that say which host is meant; the function gets a Host first."""

    @click.option("-n", "--namespace", default="", help="Host namespace.  [default: context's]")
    @click.option(
        "--kubeconfig", default="", help="Kubeconfig of the host cluster.  [default: kubectl's]"
    )
    @click.option("--context", default="", help="Context in the kubeconfig.  [default: current]")
    @functools.wraps(function)
    def with_host(*args: Any, namespace: str, kubeconfig: str, context: str, **options: Any) -> Any:
        with opened(kubeconfig, context, namespace) as host:
            return function(host, *args, **options)

    return with_host


def complete_name(ctx: click.Context, _param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the virtual clusters whose names begin so; nothing when anything is wrong."""
    given = {each: ctx.params.get(each) or "" for each in ("kubeconfig", "context", "namespace")}
    try:
        with opened(**given) as host:
            names = [each.name for each in all_of(host.api, host.namespace)]
    except Trouble:
        return []
    return [CompletionItem(name) for name in names if name.startswith(start)]


name_argument = click.argument("name", shell_complete=complete_name)
output_option = click.option(
    *("-o", "--output"),
    type=click.Choice(("table", "json", "yaml")),
    default="table",
    show_default=True,
    help="Output format.",
)


def examples(*lines: str) -> Function:
    """Add examples to a command's help."""
    text = "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))

    def add(command: click.Command) -> click.Command:
        command.epilog = text
        return command

    return add
