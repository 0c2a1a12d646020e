"""Runs ginkgo over a set of specs and hands out each result as soon as its spec has ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from tests.conformance import report
from tests.conformance.report import Result
from tests.conformance.specs import Spec, focus_flags

# Specs tidy up after themselves when they are told to stop.
GRACE = 90.0
LIMIT = "8h"  # ginkgo's own default, an hour, is less than the suite takes on two cores


@dataclass(frozen=True)
class Suite:
    """What is run, and on which cluster."""

    ginkgo: Path
    program: Path
    kubeconfig: Path
    kubectl: Path
    repo_list: Path
    output: Path
    """The directory of ginkgo's output and of one file for each failure."""

    def run(self, specs: Sequence[Spec], processes: int) -> Iterator[Result]:
        """Yield what came of each spec.

        ginkgo runs `[Serial]` specs alone, after the others.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        names = [spec.name for spec in specs]
        env = {**os.environ, "KUBE_TEST_REPO_LIST": str(self.repo_list)}
        env["PATH"] = f"{self.kubectl.parent}{os.pathsep}{env['PATH']}"
        env.pop("KUBECONFIG", None)
        process = subprocess.Popen(
            self._command(names, processes),
            cwd=self.output,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # what interrupts us is passed on once, not twice
        )
        told = 0
        try:
            for result, block in report.results(self._kept(process)):
                name = report.matching(result.name, names)
                if name is None:
                    raise LabError(f"ginkgo reports a spec that was not asked for: {result.name}")
                told += 1
                if result.state == report.FAILED:
                    self._keep_failure(name, block)
                yield Result(name, result.state, result.seconds, result.why, result.place)
            process.wait()
        finally:
            _end(process)
        if told == 0:
            raise LabError(f"ginkgo ran no spec; its output is in {self.output}/ginkgo.log")

    def _command(self, names: Sequence[str], processes: int) -> list[str]:
        ginkgo = [str(self.ginkgo), "run", "-v", "--no-color", f"--timeout={LIMIT}"]
        suite = [f"--kubeconfig={self.kubeconfig}", f"--kubectl-path={self.kubectl}"]
        suite += ["--provider=skeleton", "--disable-log-dump"]
        # At least two processes: with one, ginkgo prints a spec in pieces, while it runs.
        procs = f"--procs={max(2, processes)}"
        return [*ginkgo, procs, *focus_flags(names), str(self.program), "--", *suite]

    def _kept(self, process: subprocess.Popen[str]) -> Iterator[str]:
        assert process.stdout is not None
        with (self.output / "ginkgo.log").open("a") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                yield line

    def _keep_failure(self, name: str, block: list[str]) -> None:
        directory = self.output / "failures"
        directory.mkdir(exist_ok=True)
        short = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:150]
        (directory / f"{short}.log").write_text("\n".join(block) + "\n")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        # Its output must be read on, or it waits for us while we wait for it.
        process.communicate(timeout=GRACE)
    except (subprocess.TimeoutExpired, ValueError):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
