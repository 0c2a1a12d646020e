"""The command line behind `scripts/test escapes`."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import click

from lab import k3simages, registry, teardown
from lab.assets import Assets
from lab.cache import locked
from lab.cli import bring_up
from lab.commands import Command
from lab.lab import Lab
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.escapes import known, table
from tests.escapes.controls import Removed
from tests.escapes.installation import installed
from tests.escapes.run import Choice, Run

RESULT = REPO / "build" / "escapes" / "table.md"


@click.command(cls=Command)
@click.option("--lab", "name", envvar="VC_LAB_NAME", default="escapes", show_default=True)
@click.option(
    "--only", multiple=True, help="Only cases whose names begin so, such as A3 or E4-path."
)
@click.option("--guards", is_flag=True, help="Take out each guard too: the cases must notice.")
@click.option("--guard", "chosen", multiple=True, help="Only this guard, and no run without it.")
@click.option("--fast", is_flag=True, help="What CI runs: without guards and disturbances.")
@click.option("--keep-lab", envvar="KEEP_LAB", is_flag=True, help="Leave a new lab up.")
def main(
    name: str,
    only: tuple[str, ...],
    chosen: tuple[str, ...],
    *,
    guards: bool,
    fast: bool,
    keep_lab: bool,
) -> None:
    """Try every escape of the threat list from inside a virtual cluster; judge by the host.

    The verdicts come from the host's objects and from its API server's audit log. One table at the
    end, also in build/escapes/table.md.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    progress = Progress()
    assets = Assets(progress, DEFAULT_KUBERNETES)
    os.environ["PATH"] = f"{assets.tools()}{os.pathsep}{os.environ['PATH']}"
    stays = keep_lab or registry.find(name) is not None
    removed: list[Removed] = []
    try:
        lab, _ = bring_up(progress, name)
        with (
            tempfile.TemporaryDirectory(prefix="vc-escapes-") as scratch,
            installed(lab.kubeconfig, Path(scratch), keep=False) as (session, place),
        ):
            run = Run(session, place, Choice(only, fast), progress.say)
            results = [] if chosen else run.all_cases()
            if guards or chosen:
                removed = run.guards(chosen)
            if not only and not chosen and not fast:
                results.append(run.uninstalled())
    finally:
        found = registry.find(name)
        if found is not None and not stays:
            with locked(found.lock):
                teardown.down(Lab(found, progress))
    results = known.marked(results)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    made_on = k3simages.made_on(lab.registration.minor)
    RESULT.write_text(f"{made_on}\n\n{table.markdown(results, removed)}")
    click.echo(f"{made_on}\n{table.terminal(results)}")
    click.echo(f"table: {RESULT}")
    for line in table.closing(results, removed):
        click.echo(line)
    missed = any(not each.caught for each in removed)
    sys.exit(1 if missed or any(each.failed for each in results) else 0)
