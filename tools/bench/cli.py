"""The command line behind `scripts/bench`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from lab import commands, k3simages
from lab.assets import Assets
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.e2e.shell import Failed
from tools.bench import context as running
from tools.bench import drawing, host, results, table
from tools.bench.context import Context
from tools.bench.errors import BenchError
from tools.bench.installation import installed
from tools.bench.results import DIRECTORY, Results
from tools.bench.scenarios import SCENARIOS


class Command(commands.Command):
    """Shows also what helm and kubectl say without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Failed, BenchError) as error:
            raise click.ClickException(str(error)) from error


def chosen(_ctx: click.Context, _option: click.Parameter, given: str) -> list[str]:
    """Return the scenarios of a list such as `kwok,rest`, in the order in which they run."""
    wanted = [each.strip() for each in given.split(",") if each.strip()]
    for each in wanted:
        if each not in SCENARIOS:
            raise click.BadParameter(f"no scenario {each!r}; there are {', '.join(SCENARIOS)}")
    return [each for each in SCENARIOS if each in wanted]


def numbers(_ctx: click.Context, _option: click.Parameter, given: str) -> tuple[int, ...]:
    """Return the numbers of a list such as `50,500`."""
    try:
        return tuple(int(each) for each in given.split(",") if each.strip())
    except ValueError:
        raise click.BadParameter(f"{given!r} is not a list of numbers") from None


def made_on() -> str:
    """Return which k3s is measured: a cluster that is given pulls the one that presets name."""
    if os.environ.get("KUBECONFIG"):
        return "as the host pulls it"
    return k3simages.origin(DEFAULT_KUBERNETES)


@click.command(cls=Command)
@click.option(
    "--scenarios",
    default=",".join(SCENARIOS),
    show_default=True,
    callback=chosen,
    help="What is measured.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="How often at most; bursts of 500 and 2000 fewer times.",
)
@click.option(
    "--sizes",
    default="",
    callback=numbers,
    help="Bursts of these numbers of pods only; a restart is with the most.  [default: all]",
)
@click.option("--small", is_flag=True, help="A smoke test of two minutes: its figures say little.")
@click.option("--profile", is_flag=True, help="A flame graph of the syncer for each burst.")
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier result: a second table says what changed.",
)
@click.option("--image", envvar="VC_BENCH_IMAGE", default="", help="What the pods run.")
@click.option("--lab", "name", envvar="VC_LAB_NAME", default="bench", show_default=True)
@click.option("--keep-lab", envvar="KEEP_LAB", is_flag=True, help="Leave a new lab up.")
def main(
    scenarios: list[str],
    compare: Path | None,
    image: str,
    name: str,
    *,
    keep_lab: bool,
    **choice: Any,
) -> None:
    """Measure a virtual cluster beside its bare host, in turn.

    Prints a table of ratios, writes build/bench/DATE.json and SVG plots. Targets are reported and
    fail nothing. With KUBECONFIG set, that cluster is the host.
    """
    running.on_sigterm()
    earlier = results.read(compare) if compare else None
    progress = Progress()
    assets = Assets(progress, DEFAULT_KUBERNETES)
    os.environ["PATH"] = f"{assets.tools(tests=False)}{os.pathsep}{os.environ['PATH']}"
    found = Results(results.about(small=choice["small"], k3s=made_on()))
    file = DIRECTORY / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="vc-bench-") as scratch,
        host.target(progress, assets, name, Path(scratch), image, keep=keep_lab) as target,
        installed(target) as installation,
    ):
        found.about["host"] = installation.host.api.json("GET", "/version")["gitVersion"]
        measured = Context(installation, found, progress.say, DIRECTORY, **choice)
        try:
            _measure(measured, scenarios)
        finally:
            found.about["load after"] = results.load()
            found.write(file)
            _tell(found, file, earlier)
    sys.exit(1 if found.failures else 0)


def _measure(context: Context, scenarios: Collection[str]) -> None:
    simulated = host.has_kwok(context.installation.host)
    for name in scenarios:
        scenario = SCENARIOS[name]
        if scenario.kwok and not simulated:
            context.say(f"no {name}: the host has no nodes of KWOK")
            continue
        context.say(f"scenario {name}")
        try:
            scenario.measure(context)
        except Exception as error:  # noqa: BLE001 (the other scenarios still say something)
            context.results.failures[name] = "".join(traceback.format_exception(error))
            context.say(f"scenario {name} failed: {error!r}")


def _tell(found: Results, file: Path, earlier: Results | None) -> None:
    text = f"{results.headline(found.about)}\n\n{table.markdown(found.rows)}"
    for more in (table.stages(found.rows), table.model(found.rows)):
        text += f"\n\n{more}" if more else ""
    if earlier is not None:
        text += f"\n\n{table.comparison(found.rows, results.by_key(earlier.rows))}"
    for name, failure in found.failures.items():
        text += f"\n\nscenario {name} failed:\n{failure}"
    file.with_suffix(".md").write_text(f"{text}\n")
    click.echo(f"\n{text}\n\nresult: {file}")
    for plot in drawing.draw(found.samples, file.with_suffix("")):
        click.echo(f"plot: {plot}")
