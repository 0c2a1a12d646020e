"""The command line behind `scripts/test conformance`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lab import commands, k3simages
from lab.assets import Assets
from lab.cache import locked
from lab.paths import REPO
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.conformance import known, product, specs, table
from tests.conformance import lab as labs
from tests.conformance.disturb import CONTAINERS
from tests.conformance.profiles import NAMES, PROFILES
from tests.conformance.record import Record
from tests.conformance.report import SuiteFailed
from tests.conformance.session import Session
from tests.conformance.specs import Spec
from tests.e2e.shell import Failed

RESULTS = REPO / "build" / "conformance"
FAST = Path(__file__).with_name("fast.yaml")
# Most specs wait most of the time; more than this, and on two cores they wait for each other.
PROCESSES = 8


@dataclass(frozen=True)
class Choice:
    """Which specs a call is about, and which of them are run although they are known."""

    focus: str
    skip: str
    fast: bool
    fresh: bool
    failed: bool
    skip_known: bool

    def of(self, every: list[Spec], record: Record, reasons: Collection[str]) -> list[Spec]:
        """Return the specs of the call; forget the results that are not to count."""
        chosen = specs.select(every, self.focus, self.skip)
        if self.fast:
            wanted = specs.named(FAST, every)
            chosen = [spec for spec in chosen if spec.name in wanted]
        if self.skip_known:
            chosen = [spec for spec in chosen if spec.name not in reasons]
        if self.failed:
            bad = set(record.failed_last())
            chosen = [spec for spec in chosen if spec.name in bad]
        if not chosen:
            raise click.UsageError("no spec is left of what --focus, --fast and others choose")
        if self.fresh or self.failed:
            record.forget(spec.name for spec in chosen)
        return chosen


class Command(commands.Command):
    """Shows also what helm, kubectl and ginkgo say without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Failed, SuiteFailed) as error:
            raise click.ClickException(str(error)) from error


@click.command(cls=Command)
@click.option("--focus", default="", help="Only specs whose name matches this expression.")
@click.option("--skip", default="", help="No spec whose name matches this expression.")
@click.option("--profile", type=click.Choice(NAMES), default="default", show_default=True)
@click.option("--fast", is_flag=True, help="The representative part that CI runs.")
@click.option("--procs", type=click.IntRange(1, 64), default=PROCESSES, show_default=True)
@click.option("--fresh", is_flag=True, help="Forget earlier results of these specs.")
@click.option("--failed", is_flag=True, help="Only what failed in the profile's last run.")
@click.option("--skip-known", is_flag=True, help="Leave out what known.yaml says must fail.")
@click.option("--disturb", type=click.Choice(list(CONTAINERS)), help="Kill it now and then.")
@click.option("--lab", "name", envvar="VC_LAB_NAME", default="test", show_default=True)
@click.option("--keep-lab", envvar="KEEP_LAB", is_flag=True, help="Leave a new lab up.")
def main(
    profile: str, procs: int, disturb: str | None, name: str, *, keep_lab: bool, **choice: Any
) -> None:
    """Run Kubernetes' conformance suite; go on where the last call stopped.

    Results are in build/conformance/PROFILE: table.md, junit.xml, runs/TIME/failures.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    progress = Progress()
    assets = Assets(progress, DEFAULT_KUBERNETES)
    cache, chosen = assets.cache, PROFILES[profile]
    os.environ["PATH"] = f"{assets.tools(tests=False)}{os.pathsep}{os.environ['PATH']}"
    output = RESULTS / profile
    with (
        locked(RESULTS / f".{profile}.lock", lambda: progress.say("another run is at it")),
        labs.lab(progress, name, keep=keep_lab) as lab,
    ):
        every = specs.all_of(cache)
        reasons = known.of_profile(profile, every)
        record = Record(output, product.inputs_key(cache, chosen))
        wanted = Choice(**choice).of(every, record, reasons)
        done = record.read()
        missing = [spec for spec in wanted if spec.name not in done]
        progress.say(f"profile {profile}: {chosen.what}")
        progress.say(f"{len(wanted)} specs, {len(missing)} of them to run")
        kubectl = assets.kubernetes() / "kubectl"
        try:
            if missing:
                session = Session(
                    chosen, lab, cache, progress, kubectl, output, procs, reasons, disturb
                )
                session.run(missing, record)
        finally:
            rows = table.rows(wanted, record.read(), reasons)
            table.write(output, _title(profile, virtual=chosen.virtual), rows)
            _tell(rows, output)
    sys.exit(0 if table.good(rows) else 1)


def _title(profile: str, *, virtual: bool) -> str:
    on = f", {k3simages.made_on(DEFAULT_KUBERNETES)}" if virtual else ""
    return f"Conformance, profile {profile}{on}"


def _tell(rows: list[table.Row], output: Path) -> None:
    for row in rows:
        if row.verdict is not table.Verdict.PASSED:
            click.echo(f"{row.verdict.value:8} {row.spec.name}\n         {row.why}")
    click.echo(f"table: {output}/table.md")
    click.echo(table.closing(rows))
