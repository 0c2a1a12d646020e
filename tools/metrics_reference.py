"""docs/reference/metrics.md, the reference of the syncer's metrics, out of the syncer's sources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from syncer.kube.durations import LAGGING, QUICK
from syncer.kube.reflector import REASONS
from syncer.sync.retry_policy import RESULTS
from syncer.telemetry import http
from syncer.telemetry.cert_expiry import FILES
from syncer.telemetry.metrics import FAMILIES, Metrics
from syncer.telemetry.metrics.api_clients import FAILURES
from syncer.telemetry.readiness import Progress
from tools.cli_rules import reasons
from tools.generated import ROOT, fill

PATH = ROOT / "docs" / "reference" / "metrics.md"
HEAD = """\
# Metrics of the syncer

Made by `scripts/generate` from `syncer/telemetry/metrics/`. Alerts, the dashboard and how to get
them: [monitoring.md](../monitoring.md).

Every syncer serves them on port 8081 of its pod, under `/metrics`, in Prometheus' text format,
to whoever reaches that port. No label says anything of a tenant, and none has other values than
those below: a tenant cannot make series.
"""
WHY_RESTARTED = {
    "ended": "the server ended it, as it does after minutes",
    "gone": "the server no longer knows the version: all is listed again",
    "refused": "the server answered with an error",
    "unreachable": "the server did not answer, or fell silent",
}
LANES = {
    "ahead": "what the host says of pods",
    "live": "other changes",
    "backlog": "what a list showed at the start or after a gap",
    "news": "events for people",
}


def outputs() -> dict[Path, str]:
    """Return what the file is to hold."""
    parts = [HEAD, _table(_own()), _words(), "## Of the process\n", _table(_others())]
    return {PATH: "\n".join(parts)}


def names() -> set[str]:
    """Return the names of all series that a syncer may tell."""
    found = set()
    for family in FAMILIES:
        if family.type == "histogram":
            found |= {f"{family.name}_{end}" for end in ("bucket", "sum", "count")}
        else:
            found.add(family.name)
    return found | {sample.name for metric in _collected() for sample in metric.samples}


Row = tuple[str, str, str, str]


def _own() -> list[Row]:
    return [
        (each.name, each.type, ", ".join(f"`{label}`" for label in each.labels), each.text)
        for each in FAMILIES
    ]


def _others() -> list[Row]:
    """Return what the client library tells of every process."""
    return [
        (
            metric.name + ("_total" if metric.type == "counter" else ""),
            metric.type,
            ", ".join(sorted({f"`{label}`" for each in metric.samples for label in each.labels})),
            metric.documentation.rstrip(".") + ".",
        )
        for metric in _collected()
    ]


def _collected() -> list[Metric]:
    registry: CollectorRegistry = http.registry(Metrics(Progress()))
    return sorted(
        (each for each in registry.collect() if not each.name.startswith("virtualcluster_")),
        key=lambda metric: metric.name,
    )


def _table(rows: list[Row]) -> str:
    lines = ["| metric | type | labels | |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in rows]
    return "\n".join(lines) + "\n"


def _words() -> str:
    told = ", ".join(f"`{each}`" for each in sorted(reasons()))
    refusals = fill(f"- `reason` of refusals, as in the Warning event: {told}.", "  ")
    return f"""\
## Labels

- `side`: `virt`, the virtual cluster's API server, or `host`.
- `kind`: a synced kind, such as `pods`; `certificates` are those of the host's cert-manager,
  `anchor` and `apiservice` the syncer's own.
- `resource`: as in an API's path, such as `pods`, with `/status` and the like where a request
  is for that.
- `result`:
{_list(RESULTS)}
{refusals}
- `reason` of restarts:
{_list({reason: WHY_RESTARTED[reason] for reason in REASONS})}
- `reason` of failures:
{_list(FAILURES)}
- `lane`:
{_list(LANES)}
- `certificate`, as far as this version of k3s has it:
{_list({name: f"`{file}`" for name, file in FILES.items()})}
- `le`: {_bounds(QUICK)} for requests and reconciles, {_bounds(LAGGING)} for the lag.
"""


def _list(words: Mapping[str, str]) -> str:
    return "\n".join(f"  - `{word}`: {meaning}" for word, meaning in words.items())


def _bounds(bounds: tuple[float, ...]) -> str:
    return ", ".join(f"{bound:g}" for bound in bounds)
