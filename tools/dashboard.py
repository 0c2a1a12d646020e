"""Makes the chart's files/dashboard.json, a dashboard for Grafana, out of the panels below.

USAGE
    python -m tools.dashboard           write it
    python -m tools.dashboard --check   write nothing, fail where it would change

The chart fills in @NAMESPACE@, @JOB@, @NAME@ and @UID@. SELECTOR in a query becomes the labels that
the two variables of the dashboard choose, so that one dashboard shows any virtual cluster.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tools import generated
from tools.generated import ROOT

PATH = ROOT / "charts" / "virtualcluster" / "files" / "dashboard.json"
SELECTOR = 'namespace="$namespace",job="$job"'
RATE = "$__rate_interval"
COLUMNS = 24
CERTIFICATE = "virtualcluster_certificate_expiration_timestamp_seconds"
UNSYNCED = "virtualcluster_unsynced_objects"
REFUSED_OR_NONE = (  # no vector(0): of what is not scraped nothing is known
    f"sum(virtualcluster_refused_objects{{SELECTOR}}) or 0 * sum({UNSYNCED}{{SELECTOR}})"
)
HEARD = "virtualcluster_watch_last_heard_timestamp_seconds"


class Panel(NamedTuple):
    """One panel: what it shows and by which queries, each with the legend of its series."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    text: str = ""
    stat: bool = False
    """A single number; else a graph over time."""
    bad: float | None = None
    """From where on a single number is red."""
    stacked: bool = False


class Row(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def _quantile(share: float, metric: str, *by: str, more: str = "") -> str:
    rate = f"rate(virtualcluster_{metric}_bucket{{SELECTOR{more}}}[{RATE}])"
    return f"histogram_quantile({share}, sum by ({', '.join([*by, 'le'])}) ({rate}))"


def _rate(metric: str, *by: str, more: str = "") -> str:
    summed = f"sum by ({', '.join(by)}) " if by else "sum"
    return f"{summed}(rate(virtualcluster_{metric}{{SELECTOR{more}}}[{RATE}]))"


ROWS = (
    Row(
        "How is it?",
        (
            Panel(
                "Ready", "bool_yes_no", (("min(virtualcluster_ready{SELECTOR})", ""),), stat=True
            ),
            Panel(
                "Out of step",
                "short",
                ((f'sum({UNSYNCED}{{SELECTOR,result!="refused"}})', ""),),
                "Objects whose two sides differ now, but for those that are refused.",
                stat=True,
                bad=1,
            ),
            Panel(
                "Refused",
                "short",
                ((REFUSED_OR_NONE, ""),),
                "Objects that may not reach the host; their tenant reads why in events.",
                stat=True,
            ),
            Panel(
                "Deletions held",
                "short",
                (("sum(virtualcluster_deletions_held{SELECTOR})", ""),),
                "The brake holds these until the operator confirms them.",
                stat=True,
                bad=1,
            ),
            Panel(
                "Oldest work",
                "s",
                (("max(virtualcluster_queue_oldest_seconds{SELECTOR})", ""),),
                "For how long the key that waits longest, or is worked on longest, does so.",
                stat=True,
                bad=60,
            ),
            Panel(
                "First certificate ends in",
                "s",
                ((f"min({CERTIFICATE}{{SELECTOR}}) - time()", ""),),
                stat=True,
            ),
        ),
    ),
    Row(
        "Work",
        (
            Panel(
                "Lag",
                "s",
                (
                    (_quantile(0.5, "sync_lag_seconds"), "half"),
                    (_quantile(0.9, "sync_lag_seconds"), "90 %"),
                    (_quantile(0.99, "sync_lag_seconds"), "99 %"),
                ),
                "Time from a watch event until both sides are in sync.",
            ),
            Panel(
                "Lag by kind, 99 %",
                "s",
                ((_quantile(0.99, "sync_lag_seconds", "kind"), "{{kind}}"),),
            ),
            Panel(
                "Reconcile, 99 %",
                "s",
                ((_quantile(0.99, "reconcile_duration_seconds", "kind"), "{{kind}}"),),
                "What one attempt takes, requests included.",
            ),
            Panel(
                "Queue",
                "short",
                (
                    ("sum by (lane) (virtualcluster_queue_depth{SELECTOR})", "{{lane}}"),
                    ("sum(virtualcluster_queue_delayed{SELECTOR})", "delayed"),
                    ("sum(virtualcluster_workers_busy{SELECTOR})", "at work"),
                ),
            ),
            Panel(
                "Reconciles",
                "ops",
                ((_rate("reconciles_total", "result"), "{{result}}"),),
                stacked=True,
            ),
            Panel(
                "Out of step",
                "short",
                (
                    (
                        f'sum by (result) ({UNSYNCED}{{SELECTOR,result!="refused"}})',
                        "{{result}}",
                    ),
                    (
                        "sum by (kind, reason) (virtualcluster_refused_objects{SELECTOR})",
                        "refused: {{kind}} {{reason}}",
                    ),
                ),
                "Objects by what their last attempt came to, the refused ones by the reason.",
            ),
        ),
    ),
    Row(
        "API servers",
        (
            Panel(
                "Requests",
                "reqps",
                ((_rate("api_requests_total", "side", "method"), "{{side}} {{method}}"),),
                stacked=True,
            ),
            Panel(
                "Errors",
                "reqps",
                (
                    (
                        _rate("api_requests_total", "side", "code", more=',code!~"2.."'),
                        "{{side}} {{code}}",
                    ),
                ),
                "404 and 409 are part of everyday life: somebody else was faster.",
            ),
            Panel(
                "Time to an answer, 99 %",
                "s",
                (
                    (
                        _quantile(0.99, "api_request_duration_seconds", "side", "method"),
                        "{{side}} {{method}}",
                    ),
                ),
            ),
            Panel(
                "Waits for the rate limit",
                "s",
                ((_rate("api_throttled_seconds_total", "side"), "{{side}}"),),
                "Seconds that requests waited, all together, in each second.",
            ),
            Panel(
                "Watches begun again",
                "ops",
                ((_rate("watch_restarts_total", "side", "reason"), "{{side}} {{reason}}"),),
                "Servers end each watch after some minutes.",
            ),
            Panel(
                "Longest silence of a watch",
                "s",
                ((f"time() - min by (side) ({HEARD}{{SELECTOR}})", "{{side}}"),),
                "A bookmark is heard, too: silence of minutes is a dead watch.",
            ),
        ),
    ),
    Row(
        "What there is",
        (
            Panel(
                "Objects inside",
                "short",
                (
                    (
                        'max by (resource) (virtualcluster_objects{SELECTOR,side="virt"}) > 0',
                        "{{resource}}",
                    ),
                ),
            ),
            Panel(
                "Objects on the host",
                "short",
                (
                    (
                        'max by (resource) (virtualcluster_objects{SELECTOR,side="host"}) > 0',
                        "{{resource}}",
                    ),
                ),
            ),
            Panel(
                "Tokens of pods",
                "ops",
                (
                    (_rate("tokens_issued_total"), "issued"),
                    (_rate("tokens_renewed_total"), "renewed"),
                ),
            ),
            Panel(
                "Processor",
                "percentunit",
                (
                    (
                        f"sum by (pod) (rate(process_cpu_seconds_total{{SELECTOR}}[{RATE}]))",
                        "{{pod}}",
                    ),
                ),
            ),
            Panel(
                "Memory",
                "bytes",
                (("sum by (pod) (process_resident_memory_bytes{SELECTOR})", "{{pod}}"),),
            ),
            Panel(
                "Time since the start",
                "s",
                (("time() - max by (pod) (process_start_time_seconds{SELECTOR})", "{{pod}}"),),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana wants it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in ROWS:
        panels.append({"type": "row", "title": row.title, "gridPos": _place(0, top, COLUMNS, 1)})
        top += 1
        wide, high = (4, 4) if row.panels[0].stat else (8, 8)
        for number, panel in enumerate(row.panels):
            across = number * wide % COLUMNS
            down = top + number * wide // COLUMNS * high
            panels.append(_panel(panel) | {"gridPos": _place(across, down, wide, high)})
        top += -(-len(row.panels) * wide // COLUMNS) * high
    for number, each in enumerate(panels):
        each["id"] = number + 1
    return {
        "uid": "@UID@",
        "title": "Virtual cluster @NAME@",
        "tags": ["virtualcluster"],
        "schemaVersion": 38,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": panels,
    }


def _variables() -> list[dict[str, Any]]:
    known = "virtualcluster_build_info"
    chosen = (
        ("namespace", "@NAMESPACE@", f"label_values({known}, namespace)"),
        ("job", "@JOB@", f'label_values({known}{{namespace="$namespace"}}, job)'),
    )
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource"}
    return [
        {**source, "query": "prometheus"},
        *(
            {
                "name": name,
                "type": "query",
                "datasource": _source(),
                "definition": query,
                "query": {"query": query, "refId": name},
                "refresh": 1,
                "current": {"text": value, "value": value},
            }
            for name, value, query in chosen
        ),
    ]


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"steps": steps}}
    if panel.stacked:
        defaults["custom"] = {"stacking": {"mode": "normal"}, "fillOpacity": 30}
    made: dict[str, Any] = {
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "description": panel.text,
        "datasource": _source(),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _source(),
                "expr": query.replace("SELECTOR", SELECTOR),
                "legendFormat": legend or panel.title,
            }
            for number, (query, legend) in enumerate(panel.queries)
        ],
    }
    if panel.stat:
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}}
    return made


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${datasource}"}


def _place(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


if __name__ == "__main__":
    generated.main({PATH: json.dumps(dashboard(), indent=1) + "\n"}, __doc__)
