"""The command line behind `scripts/test contract`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from lab import realk3s
from lab.cache import Cache
from lab.commands import Command
from lab.errors import LabError
from lab.paths import REPO
from lab.progress import Progress
from lab.realk3s import Real
from lab.versions import DEFAULT_KUBERNETES, KUBERNETES
from tests.contract import known, subject, table
from tests.contract.expected import ROWS
from tests.contract.judge import judge
from tests.hosts import presets

RESULT = REPO / "build" / "contract" / "table.md"


def possible() -> list[str]:
    """Return the minors that have a preset and a stand-in, the oldest first."""
    return [minor for minor in presets.minors() if minor in KUBERNETES]


def chosen(versions: str, reals: list[Real], *, fast: bool) -> list[str]:
    """Return the minors of a list such as `1.18,1.34`; else the archives'; else all, or few."""
    wanted = [each.strip() for each in versions.split(",") if each.strip()]
    for minor in wanted:
        if minor not in possible():
            raise click.UsageError(f"--versions {minor}: there are {', '.join(possible())}")
    if not wanted and fast:
        # Those whose images the labs of a whole run have built already.
        few = {*presets.fast(possible()), DEFAULT_KUBERNETES}
        return [each for each in possible() if each in few]
    archived = {each.minor for each in reals}
    return wanted or [each for each in possible() if each in archived] or possible()


def archived(archives: tuple[Path, ...]) -> list[Real]:
    """Return the real servers of these archives and of VC_K3S_ARCHIVES, each once."""
    found = []
    for path in archives:
        images = realk3s.in_archive(path)
        if not images:
            raise LabError(f"{path} holds no image called rancher/k3s:v…")
        found += images
    return list({each.tag: each for each in (*realk3s.given(), *found)}.values())


@click.command(cls=Command)
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A docker-archive of real k3s, beside those of VC_K3S_ARCHIVES.",
)
@click.option("--versions", default="", help="Such as 1.18,1.34.  [default: the archives', or all]")
@click.option("--fast", is_flag=True, help="Those that every run of all tests covers.")
def main(archives: tuple[Path, ...], versions: str, *, fast: bool) -> None:
    """Hold the stand-in for k3s, and real servers where they are given, to one set of assertions.

    The assertions are tests/contract/expected; what they say is in docs/k3s-contract.md. One table
    at the end, also in build/contract/table.md; what was seen is in build/contract/seen.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl+C: tidily
    progress = Progress()
    cache = Cache(progress)
    reals = archived(archives)
    minors = chosen(versions, reals, fast=fast)
    subjects = [subject.stand_in(cache, minor) for minor in minors]
    subjects += [subject.real(cache, each) for each in reals if each.minor in minors]
    for each in reals:
        if each.minor not in minors:
            progress.say(f"{each.archive.name} has {each.tag}, which --versions leaves out")
    seen = subject.observe(subjects, progress)
    verdicts = judge(ROWS, seen, known.differences())
    line, good = table.closing(minors, subjects, verdicts)
    text = table.markdown(minors, subjects, verdicts)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(f"{text}\n")
    click.echo(f"\n{text}\n{line}")
    sys.exit(0 if good else 1)
