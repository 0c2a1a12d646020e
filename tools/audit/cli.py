"""The command line behind `scripts/test audit`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from lab import gobuild
from lab.cache import Cache
from lab.commands import Command
from lab.progress import Progress
from tools.audit import advisories, code, findings, manifests, workflows
from tools.audit.findings import Exempt, Looked, judge

SAMPLES = Path(__file__).with_name("samples")
PARTS: dict[str, Callable[[], Looked]] = {
    advisories.PART: advisories.look,
    code.PART: lambda: code.look(*code.SHIPPED),
    "chart": manifests.chart,
    "image": manifests.image,
    workflows.PART: workflows.look,
}
MUST_SEE: dict[str, tuple[Callable[[], Looked], set[str]]] = {
    "bandit": (lambda: code.look(str(SAMPLES / "weak.py.txt")), {"B602"}),
    "checkov": (
        lambda: manifests.weak(SAMPLES / "weak.yaml"),
        {"CKV_K8S_16", "CKV_K8S_19", "CKV_K8S_20", "CKV_K8S_37"},
    ),
    "zizmor and actionlint": (
        lambda: workflows.look(SAMPLES / "weak-workflow.yaml"),
        {"template-injection", "expression"},
    ),
}
"""What each finds in a sample: a tool that finds nothing there proves nothing elsewhere."""


@click.command(cls=Command)
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="Only this part.")
@click.option(
    "--require-advisories",
    is_flag=True,
    help="Fail, too, where the service of advisories does not answer.",
)
def main(only: tuple[str, ...], *, require_advisories: bool) -> None:
    """Look for known vulnerabilities, unsafe code, and weak points of chart, image and workflows.

    By pip-audit, bandit, checkov, actionlint and zizmor. What they find is mended, or stands with
    its reason in tools/audit/exceptions.yaml.
    """
    if shutil.which("helm") is None:
        helm = gobuild.build(Cache(Progress()), gobuild.HELM)
        os.environ["PATH"] = f"{helm}{os.pathsep}{os.environ['PATH']}"
    exempt = findings.exceptions(findings.FILE.read_text())
    unknown = sorted(set(exempt) - set(PARTS))
    failures = [f"{findings.FILE.name}: there is no part {each}" for each in unknown]
    passed = skipped = 0
    for part in only or PARTS:
        start = time.monotonic()
        looked = PARTS[part]()
        verdict = judge(looked, exempt.get(part, ()))
        click.secho(
            f"{part}: {looked.good} good, {len(verdict.excused)} excused,"
            f" {len(verdict.failures)} to be mended ({time.monotonic() - start:.0f} s)",
            bold=True,
        )
        _explain(verdict.excused)
        failures += [f"{part}: {each}" for each in verdict.failures]
        passed += looked.good
        skipped += len(looked.unanswered)
        if looked.unanswered:
            _warn(looked)
            failures += [f"{part}: {each}" for each in looked.unanswered if require_advisories]
    for tool, (look, wanted) in MUST_SEE.items():
        missed = wanted - {each.check for each in look().findings}
        failures += [f"{tool} does not see {each} in its sample" for each in sorted(missed)]
        passed += not missed
    for failure in failures:
        click.secho(f"FAILED {failure}", fg="red")
    click.echo(f"{passed} passed, {len(failures)} failed, {skipped} skipped")
    sys.exit(1 if failures else 0)


def _explain(excused: list[tuple[findings.Finding, Exempt]]) -> None:
    for row, times in Counter(row for _, row in excused).items():
        click.echo(f"  {row.check} {row.where} ({times}): {row.reason}")


def _warn(looked: Looked) -> None:
    click.secho(
        f"NOT CHECKED: no service said anything of {len(looked.unanswered)} dependencies; whether"
        f" one is known to be vulnerable is not known here. For example {looked.unanswered[0]}",
        fg="red",
        bold=True,
    )
