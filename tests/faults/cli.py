"""The command line behind `scripts/test faults`."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from lab import k3simages
from lab.commands import Command
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.faults import lanes, onlab, stage, table
from tests.faults.case import Result
from tests.faults.pair import Pair
from tests.faults.programs import Programs, built, prepared
from tests.faults.run import Choice, run

RESULT = REPO / "build" / "faults"


@click.command(cls=Command)
@click.option("--only", multiple=True, help="Only rows or cases so called, such as R1 or R5-host.")
@click.option("--fast", is_flag=True, help="What CI runs: a few of each.")
@click.option("--lab", "name", help="Also the rows that need nodes, on this lab.")
@click.option("--times", type=click.IntRange(1), default=1, help="Play each case so often.")
@click.option("--keep", is_flag=True, help="Leave the logs and datastores of the run.")
@click.option("--lane", default="", hidden=True, help="What one of the stages plays.")
def main(
    only: tuple[str, ...], name: str | None, lane: str, times: int, *, fast: bool, keep: bool
) -> None:
    """Break what a virtual cluster depends on, and compare with a run in which nothing breaks.

    Two real API servers, the real syncer, and proxies between them that fail on purpose; with --lab
    also a whole cluster. One table at the end, also in build/faults/table.md.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    progress = Progress()
    programs = built(progress)
    os.environ["PATH"] = f"{programs.tools}{os.pathsep}{os.environ['PATH']}"
    choice = Choice(only, fast, lane, times)
    if stage.inside():
        _inside(programs, choice, progress, keep=keep)
        return
    if not fast:
        prepared(progress)
    results = _on_stages(choice, keep=keep)
    if name:
        results += onlab.play(name, choice.row, progress)
    RESULT.mkdir(parents=True, exist_ok=True)
    made_on = k3simages.made_on(DEFAULT_KUBERNETES)
    (RESULT / "table.md").write_text(f"{made_on}\n\n{table.markdown(results)}")
    click.echo(f"{made_on}\n{table.terminal(results)}")
    click.echo(f"table: {RESULT / 'table.md'}")
    for line in table.closing(results):
        click.echo(line)
    sys.exit(1 if not results or any(each.failed for each in results) else 0)


def _on_stages(choice: Choice, *, keep: bool) -> list[Result]:
    """Run the cases that need no node, each lane on a stage of its own, all at the same time."""
    flags = [f"--times={choice.times}", *(f"--only={each}" for each in choice.only)]
    flags += ["--fast"] if choice.fast else []
    flags += ["--keep"] if keep else []
    results = []
    with ExitStack() as stack:
        scratch = Path(tempfile.mkdtemp(prefix="vc-faults-"))
        if not keep:
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        files = {lane: scratch / f"{lane}.json" for lane in lanes.chosen(choice.only)}
        stages = {
            lane: stack.enter_context(stage.playing(file, f"--lane={lane}", *flags))
            for lane, file in files.items()
        }
        for lane, process in stages.items():
            code = process.wait()
            told = json.loads(files[lane].read_text()) if files[lane].exists() else []
            results += [Result(**each) for each in told]
            if code:
                why = f"the stage has ended by itself, with {code}"
                results.append(Result(f"stage-{lane}", "R0", "none", problem=why))
    return results


def _inside(programs: Programs, choice: Choice, progress: Progress, *, keep: bool) -> None:
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # a proxy whose clients are killed

    def say(text: str) -> None:
        progress.say(f"{choice.lane}: {text}")

    stage.furnish()
    state = Path(tempfile.mkdtemp(prefix=f"{choice.lane}-"))
    pair = Pair(state, programs, say)
    results = []
    try:
        pair.start()
        for result in run(pair, choice, say):
            results.append(dataclasses.asdict(result))
            stage.tell(json.dumps(results))
    finally:
        pair.stop()
        if keep:
            click.echo(f"logs and datastores: {state}")
        else:
            shutil.rmtree(state, ignore_errors=True)
