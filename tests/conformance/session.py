"""One run for one profile: what is missing is run, what is known already is only told again."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.cache import Cache
from lab.lab import Lab
from lab.progress import Progress
from tests.conformance import images, product, programs
from tests.conformance import lab as labs
from tests.conformance.disturb import Strikes, disturbing
from tests.conformance.installation import Installation
from tests.conformance.profiles import Profile
from tests.conformance.record import Record
from tests.conformance.report import FAILED, PASSED, Result
from tests.conformance.runner import Suite
from tests.conformance.specs import Spec


@dataclass(frozen=True)
class Session:
    """Where and how a profile is run."""

    profile: Profile
    lab: Lab
    cache: Cache
    progress: Progress
    kubectl: Path
    output: Path
    processes: int
    last: Collection[str] = ()
    """Specs that are expected to fail, mostly by waiting for minutes: run when the rest is done."""
    disturb: str | None = None

    def run(self, specs: Sequence[Spec], record: Record) -> None:
        """Run these specs on a fresh cluster of the profile; record each as it ends."""
        labs.load(self.lab, images.built(self.cache))
        with tempfile.TemporaryDirectory(prefix="vc-conformance-") as scratch:
            repo_list = Path(scratch) / "repositories.yaml"
            repo_list.write_text(images.repo_list())
            if not self.profile.virtual:
                self._suite(specs, record, self.lab.kubeconfig, repo_list, Strikes(None))
                return
            built = product.build_product(self.cache)
            labs.load(self.lab, built)
            address = str(self.lab.registration.addresses.node(1))
            host = self.lab.kubeconfig
            installation = Installation(host, self.profile, address, Path(scratch))
            with self.progress.task(f"installing the chart for profile {self.profile.name}"):
                kubeconfig = installation.install(built)
            try:
                with disturbing(installation, self.disturb, self.progress.say) as strikes:
                    self._suite(specs, record, kubeconfig, repo_list, strikes)
            finally:
                (self.output / "control-plane.log").write_text(installation.state())
                with self.progress.task("removing it"):
                    installation.remove()

    def _suite(
        self,
        specs: Sequence[Spec],
        record: Record,
        kubeconfig: Path,
        repo_list: Path,
        strikes: Strikes,
    ) -> None:
        suite = Suite(
            ginkgo=programs.tools(self.cache) / "ginkgo",
            program=programs.suite(self.cache),
            kubeconfig=kubeconfig,
            kubectl=self.kubectl,
            repo_list=repo_list,
            output=self.output / "runs" / time.strftime("%Y%m%d-%H%M%S"),
        )
        self.progress.say(f"running {len(specs)} specs; ginkgo's own words: {suite.output}")
        first = [spec for spec in specs if spec.name not in self.last]
        rest = [spec for spec in specs if spec.name in self.last]
        again: list[Spec] = []
        number = itertools.count(1)
        for part in (first, rest, again):  # the last one is filled by the others
            for result in suite.run(tuple(part), self.processes) if part else ():
                end = time.monotonic()
                excused = strikes.excuse(end - result.seconds, end) and part is not again
                if result.state == FAILED and excused:
                    self.progress.say(f"failed without an API server, again later: {result.name}")
                    again += [spec for spec in part if spec.name == result.name]
                    continue
                record.add(result)
                self._say(f"{next(number)}/{len(specs)}", result)

    def _say(self, count: str, result: Result) -> None:
        why = "" if result.state == PASSED else f": {result.why}"
        line = f"{count} {result.state} in {result.seconds:.0f}s  {result.name}"
        self.progress.say(f"{line}{why}")
