"""`explain`: what became of an object, asked from either side."""

from __future__ import annotations

import json
from typing import Any

import click

from virtualcluster_cli import inside, kinds, output
from virtualcluster_cli.compare import Field
from virtualcluster_cli.errors import NotFound, Trouble
from virtualcluster_cli.explanation import Explanation, explain, of_host
from virtualcluster_cli.installations import Installation, all_of, one
from virtualcluster_cli.options import Host, examples, opened, output_option
from virtualcluster_cli.shared.objects import Key

SHOWN = 56  # characters of a value in a table


@examples(
    "virtualcluster explain pod/web-0 -n shop    # in the current virtual cluster",
    "virtualcluster explain ing/web -n shop --cluster team-x/dev",
    "virtualcluster explain pod/web-0-x-shop-x-dev -n team-x --host    # its virtual object",
    "virtualcluster explain pvc/data -o json",
)
@click.command(name="explain")
@click.argument("what", metavar="KIND/NAME")
@click.option("-n", "--namespace", default="", help="Namespace of the object.")
@click.option("--cluster", default="", metavar="[NAMESPACE/]NAME", help="Its virtual cluster.")
@click.option("--host", "from_host", is_flag=True, help="KIND/NAME is on the host.")
@click.option("--kubeconfig", default="", help="Kubeconfig of the host cluster.")
@click.option("--context", default="", help="Context in the kubeconfig.")
@output_option
def explain_command(
    what: str,
    namespace: str,
    cluster: str,
    kubeconfig: str,
    context: str,
    output: str,
    *,
    from_host: bool,
) -> None:
    """Explain what the syncer did with an object of a virtual cluster.

    Its copy on the host, the fields that were mapped, dropped or refused and by which rule, the
    events of both sides, and what it waits for. Without --cluster, the virtual cluster is that of
    the current context, or the only one in the host namespace.
    """
    word, name = kinds.split(what)
    with opened(kubeconfig, context, "") as host:
        if from_host:
            namespace = namespace or host.namespace
            kind = kinds.resolve(host.api, word)
            cluster, ref = of_host(host.api, namespace, kind, name)
            which = one(host.api, namespace, cluster)
            word = ref.kind
        else:
            which = _which(host, cluster)
            ref = Key("", namespace or "default", name)
        with inside.api(host.api, host.access, which) as virt:
            kind = kinds.resolve(virt, word)
            ref = Key(kind.plural, ref.namespace if kind.namespaced else "", ref.name)
            found = explain(host.api, virt, which, kind, ref)
    _show(found, output)


def _which(host: Host, cluster: str) -> Installation:
    if cluster:
        namespace, _, name = cluster.rpartition("/")
        return one(host.api, namespace or host.namespace, name)
    entered = host.access.inside
    if entered is not None:
        return one(host.api, entered["namespace"], entered["name"])
    there = all_of(host.api, host.namespace)
    if len(there) == 1:
        return there[0]
    if not there:
        raise NotFound(
            f"there is no virtual cluster in namespace {host.namespace}",
            "pass --cluster NAMESPACE/NAME",
        )
    names = ", ".join(each.name for each in there)
    raise Trouble(
        f"namespace {host.namespace} has several virtual clusters",
        f"pass --cluster, one of {names}",
    )


def _show(found: Explanation, form: str) -> None:
    if output.show(form, found.as_data()):
        return
    name = f"{found.namespace}/{found.name}" if found.namespace else found.name
    twin = found.twin and f"{found.twin}{'' if found.exists else ' (does not exist)'}"
    output.facts(
        [
            (found.kind, f"{name} in {found.cluster}"),
            ("State", found.state),
            ("Twin on the host", twin),
            *(("Waits for", each) for each in found.waits_for),
        ]
    )
    for each in found.refusals:
        click.echo()
        click.secho(f"Refused: {each['reason']}", fg="red", bold=True)
        output.facts([("Rule", each["rule"]), ("Message", each["message"]), ("Cure", each["cure"])])
    output.section(
        "Fields that are not on the host as they are inside",
        ("field", "outcome", "inside", "on the host", "why"),
        [_row(each) for each in found.fields],
    )
    for title, events in (
        ("Events inside", found.events),
        ("Events on the host", found.host_events),
    ):
        output.section(
            title,
            ("last seen", "type", "reason", "message"),
            [(output.age(e["last"]), e["type"], e["reason"], e["message"]) for e in events],
        )


def _row(each: Field) -> tuple[str, str, str, str, str]:
    return (each.path, each.outcome, _brief(each.inside), _brief(each.host), each.why)


def _brief(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
