"""One host version through all its cases; a failure ends only what depends on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import k3simages
from lab.errors import LabError
from lab.paths import REPO
from lab.progress import Progress
from tests.e2e.shell import Failed
from tests.hosts import presets, workspace
from tests.hosts.host import Host
from tests.hosts.table import E2E, INSTALL, K3S, LAB, UPGRADE, Row
from tools.suite import Check, Outcome, run

# What a virtual cluster promises on every host; optional parts of newer hosts have files of their
# own, with add-ons that are built for one version.
FIRST = (
    *("api_access", "bad_input", "configuration", "deletion", "faults", "growth", "install"),
    *("isolation", "missing_right", "names", "network", "objects", "pods", "refusals", "repair"),
    *("repository", "rest", "rights", "services", "storage", "streams", "timing", "uninstall"),
    *("volumes",),
)
_UPGRADE = "tests/e2e/test_upgrade.py"
END_TO_END = tuple(f"tests/e2e/test_{name}.py" for name in FIRST)
# What differs most between versions: installing, addresses and names, pods' fields, streams.
FAST = tuple(f"tests/e2e/test_{name}.py" for name in ("install", "network", "pods", "streams"))


@dataclass(frozen=True)
class Plan:
    """What is run on every host."""

    cases: Collection[str]
    before: str
    """The commit whose chart is upgraded."""
    files: Sequence[str] = END_TO_END
    scratch: Path = REPO / "build" / "hosts"


def try_host(
    progress: Progress,
    row: Row,
    plan: Plan,
    provide: Callable[[], contextlib.AbstractContextManager[Host]],
) -> None:
    """Fill a row: the host, then every case on it."""
    begun = time.monotonic()
    try:
        with provide() as host:
            row.outcomes[LAB] = Outcome(LAB, 1, 0, 0, time.monotonic() - begun)
            for check in checks(host, plan):
                row.outcomes[check.name] = run(check)
    except (LabError, Failed) as error:
        progress.say(f"host {row.minor}: {error}")
        where = LAB if LAB not in row.outcomes else "cleaning up"
        row.outcomes[where] = Outcome(where, 0, 1, 0, time.monotonic() - begun)


def checks(host: Host, plan: Plan) -> Iterator[Check]:
    """Yield the cases of a host."""
    for case, (flag, values) in _chart_testing(host.minor).items():
        if case in plan.cases:
            place = plan.scratch / f"{host.minor}-{case.replace(' ', '-')}"
            workspace.make(place, values, plan.before)
            log = place.with_suffix(f"{place.suffix}.log")
            yield Check(case, chart_testing(host, flag), "ct", place, host.environment, log)
    if K3S in plan.cases:
        yield Check(K3S, _pytest(_UPGRADE), "pytest", env=host.environment | _steps(host))
    if E2E in plan.cases:
        yield Check(E2E, _pytest(*plan.files), "pytest", env=host.environment)


def _pytest(*files: str) -> tuple[str, ...]:
    return ("python", "-m", "pytest", *files)


def _steps(host: Host) -> dict[str, str]:
    """Return what has the test of upgrades go from the minor before to the host's own."""
    if not host.earlier or host.k3s:
        return {}
    return {"VC_E2E_K3S_MINORS": f"{host.earlier} {host.minor}", "VC_E2E_K3S_IMAGE": ""}


def _chart_testing(minor: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return case → ct's flag and the values files that it finds.

    An upgrade takes three installations for each file, and a preset that is named says the same as
    one that is found.
    """
    return {
        INSTALL: (
            "--upgrade=false",
            (presets.DEFAULTS, presets.own(minor), *presets.users(minor)),
        ),
        UPGRADE: ("--upgrade", (presets.DEFAULTS,)),
    }


def chart_testing(host: Host, *flags: str) -> tuple[str, ...]:
    """Return the command that installs the chart of a workspace."""
    command = ("ct", "install", "--config", "ct.yaml", *flags)
    if host.settings:
        command += ("--helm-extra-set-args", " ".join(host.settings))
    return command


def new_row(minor: str, k3s: str = "", provider: str = "") -> Row:
    """Return the row of a version, with its own k3s or this one, before anything is known of it.

    A lab and a kind cluster get their images from here; a given cluster pulls its own.
    """
    wanted = k3s or minor
    if wanted not in presets.minors():
        return Row(minor, "no preset", provider)
    version = presets.image(wanted).rpartition(":")[2]
    origin = "pulled" if provider == "KUBECONFIG" else k3simages.origin(wanted)
    return Row(minor, f"{version}, {origin}", provider)
