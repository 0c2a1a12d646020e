"""`status`: how one virtual cluster is."""

from __future__ import annotations

import sys
from typing import Any

import click

from virtualcluster_cli import output
from virtualcluster_cli.errors import NotReady
from virtualcluster_cli.options import Host, examples, host_options, name_argument, output_option
from virtualcluster_cli.report import report

SOON = 30  # days


@examples(
    "virtualcluster status dev",
    "virtualcluster status dev -o json | jq .refusals",
    "virtualcluster status dev >/dev/null || echo not healthy   # 6 unless it is ready or paused",
)
@click.command()
@name_argument
@output_option
@host_options
def status(host: Host, name: str, output: str) -> None:
    """Show the status of the virtual cluster NAME.

    Versions, health, the lag of the syncer, object counts of both sides, refused objects with the
    rule that refused them, and expiry of certificates.
    """
    which = host.one(name)
    made = report(host.api, host.access, which)
    _show(made, output)
    if not which.ready and not which.paused:
        sys.exit(NotReady.exit_code)


def _show(made: dict[str, Any], form: str) -> None:
    if output.show(form, made):
        return
    output.facts(
        [
            ("Virtual cluster", f"{made['namespace']}/{made['name']}"),
            ("Phase", made["phase"]),
            ("Held up", made["trouble"]),
            *((name.capitalize(), value) for name, value in made["versions"].items()),
            *(("Note", each) for each in made["notes"]),
        ]
    )
    output.section(
        "Containers",
        ("name", "state", "ready", "restarts"),
        [
            (c["name"], c["state"], "yes" if c["ready"] else "no", str(c["restarts"]))
            for c in made["containers"]
        ],
    )
    output.section(
        "Syncer",
        ("figure", "value"),
        [(name, _figure(value)) for name, value in made["sync"].items()],
    )
    output.section(
        "Objects",
        ("kind", "inside", "on the host"),
        [(each["kind"], str(each["inside"]), str(each["host"])) for each in made["counts"]],
    )
    output.section(
        "Refused",
        ("object", "namespace", "reason", "last", "rule"),
        [
            (r["object"], r["namespace"], r["reason"], output.age(r["last"]), r["rule"])
            for r in made["refusals"]
        ],
    )
    output.section(
        "Certificates",
        ("name", "expires", "days left"),
        [
            (c["name"], c["expires"], f"{c['days']}{' (soon)' if c['days'] < SOON else ''}")
            for c in made["certificates"]
        ],
    )


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) else f"{value:.3f}"
    return str(value)
