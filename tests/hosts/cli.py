"""The command line behind `scripts/test hosts`."""

from __future__ import annotations

import functools
import os
import signal
import sys
from pathlib import Path

import click

from lab.assets import Assets
from lab.commands import Command
from lab.kind.cluster import nodes as kind_nodes
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES, KUBERNETES
from tests.hosts import host, presets, session, table, workspace
from tests.hosts.table import CASES, LAB

BUILD = REPO / "build" / "hosts"
SHORT = {
    "install": table.INSTALL,
    "upgrade": table.UPGRADE,
    "k3s": table.K3S,
    "e2e": table.E2E,
}
FAST = ["install", "e2e"]

PROVIDERS = {"lab": host.lab, "kind": host.kind}


def result(provider: str) -> Path:
    """Return where the table of a provider's hosts is left, beside what ct and its pods said."""
    return BUILD / provider / "table.md"


def possible(provider: str = "lab") -> list[str]:
    """Return the versions that a provider has and the chart has a preset for."""
    there = KUBERNETES if provider == "lab" else kind_nodes()
    return [minor for minor in presets.minors() if minor in there]


def chosen(given: str, provider: str = "lab", *, fast: bool = False) -> list[str]:
    """Return the versions of a list such as `1.16,1.34`; without one all, or the fast part."""
    known = possible(provider)
    wanted = [each.strip() for each in given.split(",") if each.strip()]
    wanted = wanted or (presets.fast(known) if fast else known)
    for minor in wanted:
        if minor not in known:
            raise click.UsageError(
                f"{provider} has no {minor}, or the chart no preset for it; there are {known}"
            )
    return wanted


@click.command(cls=Command)
@click.option("--versions", default="", help="Such as 1.16,1.18,1.34.  [default: all]")
@click.option("--k3s", default="", help="The minor of the virtual clusters.  [default: the host's]")
@click.option("--cases", help=f"What is run on each.  [default: {','.join(SHORT)}]")
@click.option("--fast", is_flag=True, help="The part that CI runs: fewer of all three.")
@click.option("--only", multiple=True, help="Of e2e only this file or test, as pytest names it.")
@click.option("--before", default="", help="The commit whose chart is upgraded.  [default: found]")
@click.option("--host", "provider", type=click.Choice(list(PROVIDERS)), default="lab")
@click.option("--lab", "name", default="hosts", show_default=True, help="Its name.")
@click.option("--keep-lab", envvar="KEEP_LAB", is_flag=True, help="Leave a new lab up.")
def main(
    versions: str,
    k3s: str,
    cases: str | None,
    only: tuple[str, ...],
    before: str,
    provider: str,
    name: str,
    *,
    fast: bool,
    keep_lab: bool,
) -> None:
    """Install the chart as its users do on hosts of every version, and run the e2e tests there.

    For each version: a lab (or a cluster of kind), `ct install` with its preset and without
    values, `ct install --upgrade` from the chart before, the end-to-end tests; then one table, also
    in build/hosts/{lab,kind}/table.md. With KUBECONFIG set, that cluster is the one host.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    wanted = cases.split(",") if cases else FAST if fast else ["e2e"] if k3s else list(SHORT)
    unknown = [each for each in wanted if each not in SHORT]
    if unknown:
        raise click.UsageError(f"--cases {','.join(unknown)}: there are {', '.join(SHORT)}")
    if k3s and wanted != ["e2e"]:
        raise click.UsageError("--k3s: presets are installed on their own hosts; --cases e2e goes")
    if k3s and k3s not in presets.minors():
        raise click.UsageError(f"--k3s {k3s}: the chart has presets for {presets.minors()}")
    progress = Progress()
    assets = Assets(progress, DEFAULT_KUBERNETES)
    os.environ["PATH"] = f"{assets.tools()}{os.pathsep}{os.environ['PATH']}"
    os.environ.update(assets.chart_environment())
    plan = session.Plan(
        [SHORT[each] for each in wanted],
        before or workspace.previous(),
        only or (session.FAST if fast else session.END_TO_END),
        result(provider).parent,
    )
    given = os.environ.get("KUBECONFIG", "")
    cluster = host.given(given) if given else None
    named = "KUBECONFIG" if cluster else provider if provider != "lab" else ""
    rows = [
        session.new_row(each, k3s, named)
        for each in ([cluster.minor] if cluster else chosen(versions, provider, fast=fast))
    ]
    shown = [case for case in CASES if case == LAB or case in plan.cases]
    try:
        for row in rows:
            other = k3s if k3s != row.minor else ""
            earlier = presets.before(row.minor) if table.K3S in plan.cases and not other else ""
            provide = functools.partial(
                PROVIDERS[provider], k3s=other, earlier=earlier, keep=keep_lab
            )
            made = functools.partial(provide, progress, name, row.minor)
            session.try_host(progress, row, plan, made if cluster is None else cluster.as_given)
            click.echo(table.markdown([row], shown))
    finally:
        line, good = table.closing(rows, shown)
        plan.scratch.mkdir(parents=True, exist_ok=True)
        result(provider).write_text(f"{table.markdown(rows, shown)}\n")
        click.echo(f"\n{table.markdown(rows, shown)}\n{line}")
    sys.exit(0 if good else 1)
