"""`list`: the virtual clusters of a namespace, or of all."""

from __future__ import annotations

import click

from virtualcluster_cli import output
from virtualcluster_cli.installations import Installation, all_of
from virtualcluster_cli.options import Host, examples, host_options, output_option


@examples(
    "virtualcluster list",
    "virtualcluster list --all-namespaces",
    "virtualcluster list -o json | jq -r '.[].name'",
)
@click.command(name="list")
@click.option("-A", "--all-namespaces", is_flag=True, help="List those of all namespaces.")
@output_option
@host_options
def list_command(host: Host, output: str, *, all_namespaces: bool) -> None:
    """List virtual clusters."""
    found = all_of(host.api, "" if all_namespaces else host.namespace)
    _show([_data(each) for each in found], output, host, everywhere=all_namespaces)


def _data(each: Installation) -> dict[str, str]:
    return {
        "namespace": each.namespace,
        "name": each.name,
        "phase": each.phase,
        "kubernetes": each.k3s_version,
        "chart": each.chart,
        "created": each.statefulset["metadata"].get("creationTimestamp", ""),
    }


def _show(found: list[dict[str, str]], form: str, host: Host, *, everywhere: bool) -> None:
    if output.show(form, found):
        return
    if not found:
        where = "anywhere on the host" if everywhere else f"in namespace {host.namespace}"
        click.echo(f"no virtual clusters {where}", err=True)
        return
    columns = ("namespace", "name", "phase", "kubernetes", "chart")
    rows = [(*(each[c] for c in columns), output.age(each["created"])) for each in found]
    output.table((*columns, "age"), rows)
