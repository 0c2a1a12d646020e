"""The servers that are looked at, and what was seen of each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import buildah, k3simages
from lab.cache import Cache
from lab.paths import REPO
from lab.progress import Progress
from lab.realk3s import Real
from tests.contract import rootfs
from tests.contract.arguments import number
from tests.contract.observe import SCENARIOS
from tests.contract.row import Seen

STAND_IN, REAL = "stand-in", "real"
SEEN = REPO / "build" / "contract" / "seen"
TOGETHER = 2  # servers at a time: one of them starts while the other is waited for


@dataclass(frozen=True)
class Subject:
    """One server: the stand-in of a minor, or a real one of an archive."""

    kind: str
    minor: str
    release: str
    """Such as `v1.18.6+k3s1`."""
    image: Path
    """Where its image is unpacked."""

    @property
    def file(self) -> Path:
        """Return the directory with what was seen."""
        return SEEN / f"{self.release.replace('+', '-')}-{self.kind}"


def stand_in(cache: Cache, minor: str) -> Subject:
    """Return the stand-in of a minor, building it if needed, whatever real ones are given."""
    recipe = k3simages.k3s(cache, minor)
    release = k3simages.tag(minor).partition(":")[2].replace("-", "+")
    image = rootfs.unpacked(cache, buildah.build(cache, recipe))
    return Subject(STAND_IN, minor, release, image)


def real(cache: Cache, given: Real) -> Subject:
    """Return a real server."""
    image = rootfs.unpacked(cache, given.image(cache, given.tag))
    return Subject(REAL, given.minor, given.version, image)


def observe(
    subjects: Sequence[Subject], progress: Progress, only: Iterable[str] = ()
) -> dict[Subject, Seen]:
    """Run every scenario on every subject; return what was seen."""
    scenarios = [each for each in SCENARIOS if not only or each in only]

    def one(task: tuple[Subject, str]) -> None:
        subject, scenario = task
        what = f"k3s {subject.release}, {subject.kind}: {scenario}"
        with progress.task(what, quiet=True):
            _run(subject, scenario)

    tasks = [(subject, scenario) for subject in subjects for scenario in scenarios]
    for subject in subjects:
        subject.file.mkdir(parents=True, exist_ok=True)
        for scenario in scenarios:
            (subject.file / f"{scenario}.json").unlink(missing_ok=True)
    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(one, tasks))
    return {subject: _seen(subject) for subject in subjects}


def _run(subject: Subject, scenario: str) -> None:
    file = subject.file / f"{scenario}.json"
    module = (sys.executable, "-m", "tests.contract.observe")
    args = (scenario, str(subject.image), subject.minor, str(file))
    done = subprocess.run(
        # It ends with us, with all that it has started.
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", *module, *args],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        file.write_text(json.dumps({"broken": done.stderr[-2000:]}))


def _seen(subject: Subject) -> Seen:
    seen: Seen = {"release": subject.release, "minor": number(subject.minor)}
    for path in sorted(subject.file.glob("*.json")):
        seen[path.stem] = json.loads(path.read_text())
    return seen
