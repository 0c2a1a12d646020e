"""Each alert fires in the fault that it is for, after its time, and alone; else all are silent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.monitoring.promtool import promtool
from tests.monitoring.rendered import SELECTOR, alerts, metrics_in, rules
from tools import metrics_reference

DOCS = Path(__file__).parents[2] / "docs" / "monitoring.md"
BEGINS = 60
"""The minute in which a fault begins; until then all is well."""
LASTS = 180
HOURS = LASTS // 60
YEAR = 365 * 86400
PODS = 'kind="pods"'
WATCH = 'side="host",resource="pods"'
REQUESTS = 'side="host",method="GET",resource="pods"'
LAG = f"virtualcluster_sync_lag_seconds_bucket|{PODS}"

# metric|labels → how it starts and grows in each minute, all being well
WELL: dict[str, tuple[float, float]] = {
    "up": (1, 0),
    "virtualcluster_ready": (1, 0),
    'virtualcluster_leader|pod="vc-0"': (1, 0),
    'virtualcluster_leader|pod="vc-1"': (0, 0),
    "process_start_time_seconds": (1000, 0),
    "virtualcluster_deletions_held": (0, 0),
    "virtualcluster_datastore_mismatch": (0, 0),
    f'{LAG},le="0.05"': (0, 10),
    f'{LAG},le="30.0"': (0, 60),
    f'{LAG},le="600.0"': (0, 60),
    f'{LAG},le="+Inf"': (0, 60),
    "virtualcluster_queue_oldest_seconds": (0.5, 0),
    f'virtualcluster_unsynced_objects|{PODS},result="rejected"': (0, 0),
    f'virtualcluster_unsynced_objects|{PODS},result="failed"': (0, 0),
    f'virtualcluster_unsynced_objects|{PODS},result="refused"': (5, 0),
    f'virtualcluster_unsynced_objects|{PODS},result="waiting"': (2, 0),
    f'virtualcluster_refused_objects|{PODS},reason="PodSecurity"': (0, 0),
    f'virtualcluster_reconciles_total|{PODS},result="done"': (0, 60),
    f'virtualcluster_reconciles_total|{PODS},result="bug"': (0, 0),
    f'virtualcluster_api_requests_total|{REQUESTS},code="200"': (0, 600),
    f'virtualcluster_api_requests_total|{REQUESTS},code="409"': (0, 60),
    'virtualcluster_api_failures_total|side="host",reason="server_error"': (0, 1),
    'virtualcluster_api_failures_total|side="host",reason="no_answer"': (0, 0),
    'virtualcluster_api_throttled_seconds_total|side="host"': (0, 6),
    f"virtualcluster_watch_last_heard_timestamp_seconds|{WATCH}": (0, 60),
    f'virtualcluster_watch_restarts_total|{WATCH},reason="ended"': (0, 1),
    f'virtualcluster_watch_restarts_total|{WATCH},reason="unreachable"': (0, 0),
    'virtualcluster_certificate_expiration_timestamp_seconds|certificate="admin"': (YEAR, 0),
}


class Fault(NamedTuple):
    """What goes wrong, and from which minute on which alerts tell it."""

    series: str
    start: float | None
    """None: there is nothing any more."""
    growth: float
    alert: str
    silent: int
    """Minutes after its beginning at which nothing fires yet."""
    fires: int


FAULTS = (
    Fault("up", 0, 0, "Down", 4, 6),
    Fault("up", None, 0, "Down", 4, 11),
    Fault("virtualcluster_ready", 0, 0, "NotReady", 9, 11),
    Fault('virtualcluster_leader|pod="vc-0"', 0, 0, "Leaderless", 1, 3),
    Fault('virtualcluster_leader|pod="vc-1"', 1, 0, "Leaderless", 1, 3),
    Fault("process_start_time_seconds", 2000, 600, "Restarts", 3, 10),
    Fault("virtualcluster_deletions_held", 40, 0, "DeletionsHeld", 0, 2),
    Fault("virtualcluster_datastore_mismatch", 1, 0, "DatastoreExchanged", 0, 2),
    Fault(f'{LAG},le="30.0"', BEGINS * 60, 30, "SyncSlow", 14, 30),
    Fault("virtualcluster_queue_oldest_seconds", 0, 60, "SyncStalled", 9, 12),
    Fault(
        f'virtualcluster_unsynced_objects|{PODS},result="rejected"', 3, 0, "ObjectsStuck", 14, 16
    ),
    Fault(f'virtualcluster_unsynced_objects|{PODS},result="failed"', 1, 0, "ObjectsStuck", 14, 16),
    Fault(
        f'virtualcluster_refused_objects|{PODS},reason="PodSecurity"',
        *(2, 0, "ObjectsRefused", 59, 61),
    ),
    Fault(f'virtualcluster_reconciles_total|{PODS},result="bug"', 1, 0, "Bug", -1, 1),
    Fault(
        'virtualcluster_api_failures_total|side="host",reason="server_error"',
        *(BEGINS, 100, "ApiErrors", 9, 13),
    ),
    Fault(
        'virtualcluster_api_failures_total|side="host",reason="no_answer"',
        *(0, 100, "ApiErrors", 9, 13),
    ),
    Fault(
        'virtualcluster_api_throttled_seconds_total|side="host"',
        *(BEGINS * 6, 120, "Throttled", 14, 21),
    ),
    Fault(
        f"virtualcluster_watch_last_heard_timestamp_seconds|{WATCH}",
        *(BEGINS * 60, 0, "WatchStale", 19, 22),
    ),
    Fault(
        f'virtualcluster_watch_restarts_total|{WATCH},reason="unreachable"',
        *(0, 2, "WatchFlapping", 5, 20),
    ),
    Fault(
        'virtualcluster_certificate_expiration_timestamp_seconds|certificate="admin"',
        *(29 * 86400, 0, "CertificateExpires", 59, 61),
    ),
)


def _series(name: str, selector: str = SELECTOR) -> str:
    metric, _, labels = name.partition("|")
    return f"{metric}{{{','.join(filter(None, (selector, labels)))}}}"


def _input(fault: Fault | None, selector: str = SELECTOR) -> list[dict[str, str]]:
    found = []
    for name, (start, growth) in WELL.items():
        values = f"{start:g}+{growth:g}x{LASTS}"
        if fault is not None and name == fault.series:
            after = "stale" if fault.start is None else f"{fault.start:g}+{fault.growth:g}x{LASTS}"
            values = f"{start:g}+{growth:g}x{BEGINS - 1} {after}"
        found.append({"series": _series(name, selector), "values": values})
    return found


def _firing(minute: int, *names: str, about: str = "") -> dict[str, Any]:
    """Expect that these alerts fire and no others; complaints name what it is about."""
    return {
        "expr": f'count by (alertname) (ALERTS{{alertstate="firing"}}) # {about};',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
    }


def _run(directory: Path, *tests: dict[str, Any]) -> str:
    """Let promtool run these tests; return its complaints."""
    (directory / "rules.yaml").write_text(yaml.safe_dump(rules()))
    file = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(tests)}
    (directory / "tests.yaml").write_text(yaml.safe_dump(file))
    done = promtool("test", "rules", directory / "tests.yaml")
    return "" if done.returncode == 0 else done.stdout


def test_rules_are_valid(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml")
    assert done.returncode == 0, done.stdout
    assert f"{len(alerts())} rules found" in done.stdout


def test_when_all_is_well_nothing_fires(tmp_path: Path) -> None:
    quiet = [_firing(minute) for minute in range(30, LASTS, 30)]
    tests = {"interval": "1m", "input_series": _input(None), "promql_expr_test": quiet}
    assert _run(tmp_path, tests) == ""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What promtool says of all faults: in one run, since each starts a database of its own."""
    tests = [
        {
            "interval": "1m",
            "input_series": _input(fault),
            "promql_expr_test": [
                _firing(BEGINS + fault.silent, about=f"fault {number}"),
                _firing(
                    BEGINS + fault.fires,
                    f"VirtualCluster{fault.alert}",
                    about=f"fault {number}",
                ),
            ],
        }
        for number, fault in enumerate(FAULTS)
    ]
    unmet = _firing(BEGINS, "VirtualClusterDown", about="nothing")
    tests.append({"interval": "1m", "input_series": _input(None), "promql_expr_test": [unmet]})
    return _run(tmp_path_factory.mktemp("promtool"), *tests)


@pytest.mark.parametrize(
    "number", range(len(FAULTS)), ids=lambda n: f"{FAULTS[n].alert}-{FAULTS[n].series}"
)
def test_fault_fires_its_alert_in_time_and_no_other(number: int, complaints: str) -> None:
    # The last one must not be met: so it is known that all of them were looked at.
    assert "nothing;" in complaints
    assert f"fault {number};" not in complaints, complaints


def test_faults_of_other_virtual_clusters_are_not_ours(tmp_path: Path) -> None:
    others = ('namespace="team-y",job="vc-metrics"', 'namespace="team-x",job="other-metrics"')
    series = _input(None)
    for selector in others:
        for fault in FAULTS:
            if fault.start is not None:
                faulty = [each for each in _input(fault, selector) if " " in each["values"]]
                series += [each for each in faulty if each not in series]
    unique = {each["series"]: each for each in series}
    quiet = [_firing(minute) for minute in (BEGINS + 30, LASTS - 1)]
    tests = {
        "interval": "1m",
        "input_series": list(unique.values()),
        "promql_expr_test": quiet,
    }
    assert _run(tmp_path, tests) == ""


def test_every_alert_has_its_fault() -> None:
    assert {rule["alert"] for rule in alerts()} == {f"VirtualCluster{f.alert}" for f in FAULTS}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_alert_reads_known_metrics_says_what_it_is_about_and_where_its_cure_stands(
    rule: dict[str, Any],
) -> None:
    assert metrics_in(rule["expr"])
    assert metrics_in(rule["expr"]) <= metrics_reference.names() | {"up"}
    assert rule["expr"].count(SELECTOR) == rule["expr"].count("{") >= 1
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    annotations = rule["annotations"]
    assert annotations["summary"].endswith(".")
    assert "{{ $labels.namespace }}" in annotations["summary"]
    assert len(annotations["description"]) > 20
    file, _, anchor = annotations["runbook_url"].partition("#")
    assert file == "docs/monitoring.md"
    sections = re.findall(r"^#+ (\S+)$", DOCS.read_text(), re.MULTILINE)
    assert anchor in [section.lower() for section in sections]


def test_runbooks_can_be_elsewhere_and_alerts_left_out() -> None:
    given = [
        "--set=monitoring.prometheusRule.runbookUrl=https://example.com/m",
        "--set=monitoring.prometheusRule.disabled={VirtualClusterBug}",
    ]
    found = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in alerts(*given)}
    assert len(found) == len(alerts()) - 1
    assert "VirtualClusterBug" not in found
    assert found["VirtualClusterDown"] == "https://example.com/m#virtualclusterdown"
