"""The dashboard: every query is one that Prometheus understands, of metrics that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from syncer.telemetry.metrics import FAMILIES
from tests.monitoring.promtool import promtool
from tests.monitoring.rendered import dashboard, metrics_in, objects, panels, queries
from tools import metrics_reference

QUERIES = list(queries())


def test_every_query_is_understood(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": query} for n, (_, query) in enumerate(QUERIES)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout
    assert f"{len(QUERIES)} rules found" in done.stdout


def test_one_that_is_not_understood_is_found(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    rules = [{"record": "panel:0", "expr": "sum by (virtualcluster_ready{)"}]
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert promtool("check", "rules", file).returncode != 0


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_query_reads_known_metrics_of_the_chosen_virtual_cluster(title: str, query: str) -> None:
    assert title
    assert metrics_in(query)
    assert metrics_in(query) <= metrics_reference.names()
    assert query.count('namespace="team-x",job="vc-metrics"') == query.count("{")


def test_every_metric_of_ours_is_seen_or_named() -> None:
    """What nobody looks at is not worth its series."""
    of_people = {"virtualcluster_api_server_info", "virtualcluster_build_info"}
    seen = {metric for _, query in QUERIES for metric in metrics_in(query)}
    seen = {metric.removesuffix("_bucket") for metric in seen}
    rules = objects()["PrometheusRule", "vc"]["spec"]["groups"][0]["rules"]
    seen |= {metric for rule in rules for metric in metrics_in(rule["expr"])}
    unseen = {family.name for family in FAMILIES} - seen - of_people
    assert unseen == {"virtualcluster_refusals_total", "virtualcluster_workers"}


def test_panels_lie_beside_each_other() -> None:
    cells = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in cells
                cells.add((x, y))
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)


def test_panels_of_one_title_do_not_hide_each_other_in_a_row() -> None:
    kinds = [(panel["title"], panel["type"]) for panel in panels()]
    assert len(set(kinds)) == len(kinds)


def test_dashboards_of_two_virtual_clusters_keep_apart() -> None:
    one, two = (
        objects(*more)["ConfigMap", "vc-dashboard"]["data"]
        for more in ((), ("--namespace=team-y",))
    )
    assert not one.keys() & two.keys()
    uids = {yaml.safe_load(text)["uid"] for each in (one, two) for text in each.values()}
    assert len(uids) == 2
    assert "@" not in "".join(one.values())


def test_variables_begin_with_this_virtual_cluster() -> None:
    found = {each["name"]: each.get("current") for each in dashboard()["templating"]["list"]}
    assert found["namespace"] == {"text": "team-x", "value": "team-x"}
    assert found["job"] == {"text": "vc-metrics", "value": "vc-metrics"}
