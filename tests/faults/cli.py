"""The command line behind `scripts/test faults`."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.faults import onlab, stage, table
from tests.faults.case import Result
from tests.faults.pair import Pair
from tests.faults.programs import Programs, built, prepared
from tests.faults.run import Choice, run
from tests.lab import registry, teardown
from tests.lab.cache import locked
from tests.lab.cli import bring_up
from tests.lab.commands import Command
from tests.lab.lab import Lab
from tests.lab.paths import REPO
from tests.lab.progress import Progress

RESULT = REPO / "build" / "faults"


@click.command(cls=Command)
@click.option("--only", multiple=True, help="Only rows or cases so called, such as R1 or R5-host.")
@click.option("--fast", is_flag=True, help="What CI runs: a few of each.")
@click.option("--lab", "name", help="Also the rows that need nodes, on this lab.")
@click.option("--keep", is_flag=True, help="Leave the logs and datastores of the run.")
def main(only: tuple[str, ...], name: str | None, *, fast: bool, keep: bool) -> None:
    """Break what a virtual cluster depends on, and compare with a run in which nothing breaks.

    Two real API servers, the real syncer, and proxies between them that fail on purpose; with --lab
    also a whole cluster. One table at the end, also in build/faults/table.md.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    progress = Progress()
    programs = built(progress)
    os.environ["PATH"] = f"{programs.tools}{os.pathsep}{os.environ['PATH']}"
    choice = Choice(only, fast)
    if stage.inside():
        _inside(programs, choice, progress, keep=keep)
        return
    if not fast:
        prepared(progress)
    results = _on_stage(only, fast=fast, keep=keep)
    if name:
        results += _on_lab(name, choice, progress)
    RESULT.mkdir(parents=True, exist_ok=True)
    (RESULT / "table.md").write_text(table.markdown(results))
    click.echo(table.terminal(results))
    click.echo(f"table: {RESULT / 'table.md'}")
    for line in table.closing(results):
        click.echo(line)
    sys.exit(1 if not results or any(each.failed for each in results) else 0)


def _on_stage(only: tuple[str, ...], *, fast: bool, keep: bool) -> list[Result]:
    """Run the cases that need no node, on a stage; this same program there says what came of it."""
    with tempfile.TemporaryDirectory(prefix="vc-faults-results-") as scratch:
        file = Path(scratch) / "results.json"
        args = [f"--only={each}" for each in only]
        args += ["--fast"] if fast else []
        args += ["--keep"] if keep else []
        environment = {**os.environ, stage.MARK: str(file)}
        done = subprocess.run(stage.command(*args), env=environment, check=False)
        if not file.exists():
            raise click.ClickException(f"the run has ended by itself, with {done.returncode}")
        return [Result(**each) for each in json.loads(file.read_text())]


def _inside(programs: Programs, choice: Choice, progress: Progress, *, keep: bool) -> None:
    stage.furnish()
    state = Path(tempfile.mkdtemp(prefix="vc-faults-"))
    pair = Pair(state, programs, progress.say)
    try:
        pair.start()
        results = run(pair, choice, progress.say)
    finally:
        pair.stop()
        if keep:
            click.echo(f"logs and datastores: {state}")
        else:
            shutil.rmtree(state, ignore_errors=True)
    stage.tell(json.dumps([dataclasses.asdict(each) for each in results]))


def _on_lab(name: str, choice: Choice, progress: Progress) -> list[Result]:
    stays = registry.find(name) is not None
    try:
        lab, _ = bring_up(progress, name)
        return onlab.play(lab.kubeconfig, choice.row, progress.say)
    finally:
        found = registry.find(name)
        if found is not None and not stays:
            with locked(found.lock):
                teardown.down(Lab(found, progress))
