"""The chart's rules and dashboard, as Helm renders them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from tools.rendering import Document, template

HOST = "v1.34.4"
KINDS = ("ServiceMonitor", "PrometheusRule")
ON = (
    *(f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in KINDS),
    *(f"--set=monitoring.{part}.enabled=true" for part in ("serviceMonitor", "prometheusRule")),
    "--set=monitoring.dashboard.enabled=true",
)
SELECTOR = 'namespace="team-x",job="vc-metrics"'
NAME = re.compile(r"\b([a-z_][a-z0-9_]*)\{")


@functools.cache
def objects(*more: str) -> dict[tuple[str, str], Document]:
    """Return everything that is rendered, by kind and name."""
    made = template(HOST, *ON, *more)
    return {(each["kind"], each["metadata"]["name"]): each for each in made}


def rules(*more: str) -> dict[str, Any]:
    """Return the rules as Prometheus reads them."""
    spec: dict[str, Any] = objects(*more)["PrometheusRule", "vc"]["spec"]
    return spec


def alerts(*more: str) -> list[dict[str, Any]]:
    """Return the alerts."""
    return [rule for group in rules(*more)["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    (text,) = objects()["ConfigMap", "vc-dashboard"]["data"].values()
    found: dict[str, Any] = json.loads(text)
    return found


def panels() -> list[dict[str, Any]]:
    """Return the panels that show something."""
    return [each for each in dashboard()["panels"] if each["type"] != "row"]


def queries(namespace: str = "team-x", job: str = "vc-metrics") -> Iterator[tuple[str, str]]:
    """Yield (title of a panel, query), as Grafana sends it for this virtual cluster."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"], namespace, job)


def filled(query: str, namespace: str, job: str, rate: str = "5m") -> str:
    """Return a query with the dashboard's variables in it."""
    values = {"$namespace": namespace, "$job": job, "$__rate_interval": rate}
    for variable, value in values.items():
        query = query.replace(variable, value)
    return query


def metrics_in(query: str) -> set[str]:
    """Return the names of the metrics that a query reads."""
    return set(NAME.findall(query))
