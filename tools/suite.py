"""Runs the parts of the test suite and says, in one closing line, what came of them.

Behind scripts/test. Each part is a list of checks; a check is one program of a well-known kind,
whose own closing line is read for its counts. Everything runs, also after a failure; the exit code
is 1 if anything failed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import click

from lab import k3simages, registry
from lab.assets import Assets
from lab.docker.engine import answers
from lab.paths import STATE_ROOT
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.e2e import extras
from tools.counts import count

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "virtualcluster"
STAND_IN = ROOT / "lab" / "k3s"
LOOK_UP = 1.0  # seconds
SHOWN = 80  # lines of a log: ct ends with what its pods wrote
OWN = ("audit", "conformance", "contract", "hosts", "escapes", "faults")
"""Parts with a command line of their own."""


@dataclass
class Check:
    """One program; `counts` is how its output is read.

    pytest, go, helm; closing: a last line like our own; one: it counts as a whole; ct: so does
    chart-testing, which says what it left out.
    """

    name: str
    argv: tuple[str, ...]
    counts: str = "one"
    cwd: Path = ROOT
    env: dict[str, str] = field(default_factory=dict)
    log: Path | None = None
    """Where its output goes, if it is too much to be passed on; its end is shown when it fails."""


@dataclass
class Outcome:
    """What came of a check."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float


def unit() -> Iterator[Check]:
    """Yield what needs no cluster."""
    yield Check("ruff format", ("ruff", "format", "--check"))
    yield Check("ruff", ("ruff", "check"))
    yield Check("mypy", ("mypy",))
    yield Check("import contracts", ("lint-imports",))
    yield Check("unit tests", ("python", "-m", "pytest", "tests/unit"), "pytest")
    yield Check("command line, packaged", ("python", "-m", "pytest", "tests/package"), "pytest")
    yield Check("go vet, k3s stand-in", ("go", "vet", "./..."), cwd=STAND_IN)
    yield Check(
        "k3s stand-in", ("go", "test", "-count=1", "-v", "./internal/..."), "go", cwd=STAND_IN
    )


def chart() -> Iterator[Check]:
    """Yield what looks at the chart, and at what is written about it."""
    yield Check("generated files", (str(ROOT / "scripts" / "generate"), "--check"))
    yield Check("documentation and its links", (str(ROOT / "scripts" / "docs"),))
    yield Check("helm lint", ("helm", "lint", "--strict", str(CHART)))
    for preset in sorted((CHART / "values").glob("*.yaml")):
        lint = ("helm", "lint", "--strict", f"--values={preset}", str(CHART))
        yield Check(f"helm lint, preset {preset.stem}", lint)
    yield Check(
        "chart tests",
        ("helm", "unittest", "-f", "../../tests/chart/*_test.yaml", str(CHART)),
        "helm",
    )
    yield Check("chart-testing", ("ct", "lint", "--config", str(ROOT / "ct.yaml")))
    yield Check("rendered chart", ("python", "-m", "pytest", "tests/chart"), "pytest")
    yield Check("monitoring", ("python", "-m", "pytest", "tests/monitoring"), "pytest")


def audit() -> Iterator[Check]:
    """Yield what is known of dependencies, and what tools say of code, chart and workflows."""
    yield Check("audit", (str(ROOT / "scripts" / "test"), "audit"), "closing")


def e2e(kubeconfig: str, programs: str, only: tuple[str, ...]) -> Iterator[Check]:
    """Yield what needs a real host cluster; of the end-to-end tests `only` some files, if any."""
    if not only:
        yield _stand_in(programs)
    made_on = k3s_of(kubeconfig)
    yield Check(
        f"end to end, {made_on}" if made_on else "end to end",
        ("python", "-m", "pytest", *(only or ("tests/e2e",))),
        "pytest",
        env={"KUBECONFIG": kubeconfig, "VC_E2E_K3S": made_on},
    )


def k3s_of(kubeconfig: str) -> str:
    """Return which k3s a lab's virtual clusters run; nothing of a cluster that pulls it."""
    path = Path(kubeconfig).absolute().parent
    found = registry.find(path.name) if path.parent == STATE_ROOT else None
    return k3simages.made_on(found.minor) if found else ""


def conformance(kubeconfig: str) -> Iterator[Check]:
    """Yield the fast part of the conformance suite; the images that it needs only a lab takes."""
    lab = Path(kubeconfig).parent
    if lab.parent != STATE_ROOT:
        click.secho("no conformance: KUBECONFIG is no lab's", fg="yellow")
        return
    command = ("python", "-m", "tests.conformance", "--fast", "--fresh", "--lab", lab.name)
    yield Check("conformance, fast part", command, "closing")


def escapes(kubeconfig: str) -> Iterator[Check]:
    """Yield the fast part of the isolation cases, whose guards and audit log only a lab has."""
    lab = Path(kubeconfig).parent
    if lab.parent != STATE_ROOT:
        click.secho("no escapes: KUBECONFIG is no lab's", fg="yellow")
        return
    command = ("python", "-m", "tests.escapes", "--fast", "--lab", lab.name)
    yield Check("escapes, fast part", command, "closing")


def hosts(lab: str) -> Iterator[Check]:
    """Yield the chart on hosts of other versions, each a lab of its own."""
    if os.environ.get("KUBECONFIG"):
        click.secho("no other hosts: KUBECONFIG names the one", fg="yellow")
        return
    command = ("python", "-m", "tests.hosts", "--fast", "--lab", f"{lab}-hosts")
    yield Check("hosts, fast part", command, "closing")
    if os.geteuid() != 0 and not answers():
        click.secho("no kind: only root can start a Docker Engine, and none answers", fg="yellow")
        return
    kind = ("--host", "kind", "--versions", DEFAULT_KUBERNETES, "--cases", "install")
    on_kind = ("python", "-m", "tests.hosts", *kind, "--lab", f"{lab}-hosts")
    yield Check("hosts, ct install on kind", on_kind, "closing")


def contract() -> Iterator[Check]:
    """Yield what the stand-ins of these hosts' k3s must be, and real ones where they are given."""
    if os.geteuid() != 0:
        click.secho("no contract: its servers run in namespaces that only root makes", fg="yellow")
        return
    command = ("python", "-m", "tests.contract", "--fast")
    yield Check("contract of k3s, fast part", command, "closing")


def faults() -> Iterator[Check]:
    """Yield the fast part of the faults, which plays on stages of its own and on no cluster."""
    if os.geteuid() != 0:
        click.secho("no faults: their stages are namespaces that only root can make", fg="yellow")
        return
    command = (str(ROOT / "scripts" / "test"), "faults", "--fast")
    yield Check("faults, fast part", command, "closing")


def built_ahead() -> contextlib.AbstractContextManager[None]:
    """Build beside all else what later parts need: from cold caches that is half an hour.

    What goes wrong there is met again, and told, where the result is needed.
    """
    command = ("nice", "-n", "19", sys.executable, "-m", "tools.ahead")
    return beside(command, ROOT / "build" / "ahead.log")


@contextlib.contextmanager
def beside(command: Sequence[str], log: Path) -> Iterator[None]:
    """Run a program meanwhile, and end it afterwards with all that it started.

    It is a group of its own, but no session: between sessions Linux shares the processors out
    equally, and nice says nothing (sched(7), autogroup).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as out,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, process_group=0) as process,
    ):
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def end_tidily() -> None:
    """Let SIGTERM end this program as Ctrl+C does: with what it started, and its lab."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _stand_in(programs: str) -> Check:
    return Check(
        "k3s stand-in, for real",
        ("go", "test", "-count=1", "-v", "./integration"),
        "go",
        cwd=STAND_IN,
        env={"K3S_STAND_IN_BIN": programs},
    )


def run(check: Check) -> Outcome:
    """Run one check, its output passed on as it comes, or kept in its log."""
    click.secho(f"\n=== {check.name}: {' '.join(check.argv)}", bold=True)
    start = time.monotonic()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    tail: deque[str] = deque(maxlen=SHOWN)
    with (
        check.log.open("w") if check.log else contextlib.nullcontext(sys.stdout) as out,
        subprocess.Popen(
            check.argv,
            cwd=check.cwd,
            env={**os.environ, **check.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            for line in _lines(process.stdout) if process.stdout else ():
                out.write(line)
                out.flush()
                tail.append(line)
                counts = count(check.counts, line, counts)
        except BaseException:  # such as the end of this program
            process.terminate()
            raise
    if check.log and process.returncode != 0:
        click.echo(f"{''.join(tail)}the end of {check.log}")
    if check.counts in ("one", "ct"):
        counts["passed"] = int(process.returncode == 0)
    if process.returncode != 0 and not counts["failed"]:
        counts["failed"] = 1  # it failed as a whole: a crash, a collection error
    elif process.returncode == 0 and not counts["passed"]:
        counts["failed"] = 1  # a check that ran nothing proves nothing
        click.secho(f"{check.name} ran no test", fg="red")
    return Outcome(check.name, **counts, seconds=time.monotonic() - start)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of a program as they come, and look up between two of them.

    A signal that arrives just before a read that waits is handled only when that returns: of a
    silent program, never.
    """
    rest = b""
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        while True:
            if not ready.select(timeout=LOOK_UP):
                continue
            data = os.read(stream.fileno(), 65536)
            *whole, rest = (rest + data).split(b"\n")
            yield from (f"{line.decode(errors='replace')}\n" for line in whole)
            if not data:
                break
    if rest:
        yield rest.decode(errors="replace")


@click.command()
@click.argument("parts", nargs=-1)
@click.option("--lab", envvar="VC_LAB_NAME", default="test", show_default=True)
@click.option("--keep-lab", envvar="KEEP_LAB", is_flag=True, help="Leave the lab up afterwards.")
@click.option("--only", multiple=True, help="Of e2e only this file or test, as pytest names it.")
def main(parts: tuple[str, ...], lab: str, only: tuple[str, ...], *, keep_lab: bool) -> None:
    """Run PARTS: unit, chart, e2e; without one all, and the fast part of those with options.

    With KUBECONFIG set, that cluster is used instead of a lab of its own. For the whole
    conformance suite see `scripts/test conformance --help`, for hosts of every version
    `scripts/test hosts --help`, for what k3s itself is and does `scripts/test contract --help`, for
    every escape of the threat list `scripts/test escapes --help`, for all faults `scripts/test
    faults --help`, for dependencies and what tools find `scripts/test audit --help`.
    """
    chosen = parts or (
        *("unit", "chart", "audit", "e2e", "conformance", "faults", "hosts", "contract"),
    )
    for part in parts:
        if part in OWN:
            raise click.UsageError(f"{part} has options of its own: run it alone")
        if part not in ("unit", "chart", "e2e"):
            raise click.UsageError(f"{part!r} is no part: unit, chart, e2e, {', '.join(OWN)}")
    end_tidily()
    assets = Assets(Progress(), DEFAULT_KUBERNETES)
    os.environ["PATH"] = f"{assets.tools()}{os.pathsep}{os.environ['PATH']}"
    os.environ.update(assets.chart_environment())
    whole = not parts and not os.environ.get("KUBECONFIG")
    outcomes = []
    with built_ahead() if whole else contextlib.nullcontext():
        if "unit" in chosen:
            outcomes += [run(check) for check in unit()]
        if "chart" in chosen:
            outcomes += [run(check) for check in chart()]
        if "audit" in chosen:
            outcomes += [run(check) for check in audit()]
        if "e2e" in chosen:
            checks = functools.partial(_on_host, assets, only, fast="conformance" in chosen)
            outcomes += _with_host(checks, lab, only, keep_lab=keep_lab)
        if "faults" in chosen:
            outcomes += [run(check) for check in faults()]
        if "hosts" in chosen:
            outcomes += [run(check) for check in hosts(lab)]
        if "contract" in chosen:
            # Last: by then what it runs was built for the others.
            outcomes += [run(check) for check in contract()]
    _close(outcomes)


def _on_host(
    assets: Assets, only: tuple[str, ...], kubeconfig: str, *, fast: bool
) -> Iterator[Check]:
    programs = f"{assets.kubernetes()}{os.pathsep}{assets.kine()}"
    yield from e2e(kubeconfig, programs, only)
    if fast:
        yield from escapes(kubeconfig)
        yield from conformance(kubeconfig)


def _with_host(
    checks: Callable[[str], Iterator[Check]],
    lab: str,
    only: tuple[str, ...],
    *,
    keep_lab: bool,
) -> list[Outcome]:
    given = os.environ.get("KUBECONFIG")
    if given:
        return [run(check) for check in checks(given)]
    lab_command = (str(ROOT / "scripts" / "lab"),)
    outcomes = [run(Check("lab up", (*lab_command, "up", "--name", lab)))]
    try:
        if not outcomes[0].failed:
            path = subprocess.run(
                [*lab_command, "kubeconfig", "--name", lab],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            wanted = extras.of(only)
            if wanted:
                bring = (*lab_command, "extra", *wanted, "--name", lab)
                outcomes.append(run(Check("lab extras", bring)))
            os.environ["VC_E2E_EXTRAS"] = ",".join(wanted)
            outcomes += [run(check) for check in checks(path)]
    finally:
        if not keep_lab:
            outcomes.append(run(Check("lab down", (*lab_command, "down", "--name", lab))))
    return outcomes


def _close(outcomes: list[Outcome]) -> None:
    click.secho("\n=== what took how long", bold=True)
    for each in sorted(outcomes, key=lambda outcome: -outcome.seconds):
        verdict = "FAILED" if each.failed else "ok"
        click.echo(f"{each.seconds:7.1f} s  {verdict:6}  {each.name}")
    passed, failed, skipped = (
        sum(getattr(each, name) for each in outcomes) for name in ("passed", "failed", "skipped")
    )
    click.echo(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
