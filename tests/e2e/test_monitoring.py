"""What the chart gives to monitoring, with a real Prometheus: found, scraped, evaluated, fired.

The data that the dashboard's panels show are left in build/e2e/monitoring.json; `scripts/panels`
draws them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import extras, manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import new_namespace, wait_labelled
from tests.e2e.prometheus import EACH, Prometheus
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.session import RESULTS, Session
from tests.e2e.waiting import Pending, brief, is_ready, until

NAME = "seen"
JOB = f"{NAME}-metrics"
VALUES: Obj = {
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
    }
}
PREFIX = "VirtualCluster"
SHORT = "30s"  # what Grafana would put for $__rate_interval, at so short an interval
NOTICED = 60.0  # seconds until a fault is seen, scraped and evaluated


@pytest.fixture(scope="module")
def seen(session: Session, host: Side) -> Release:
    """An installation with all of monitoring switched on."""
    extras.demand(host, *extras.REQUIRED["test_monitoring.py"])
    release = session.release(NAME, session.namespace("seen"))
    release.install(VALUES)
    release.wait_coredns()
    return release


@pytest.fixture(scope="module")
def busy(session: Session, seen: Release) -> Virtual:
    """Its inside, with something to do: pods that come and go, a refused one, a rejected claim."""
    virt = session.connect(seen)
    quota: Obj = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": manifests.meta("one-claim", seen.namespace),
        "spec": {"hard": {"persistentvolumeclaims": "1"}},  # that of the control plane
    }
    seen.host.api.create(quota)
    new_namespace(virt, "busy")
    virt.api.create(
        manifests.deployment("busy", "busy", 3),
        manifests.pod("refused", "busy", hostNetwork=True),
        manifests.claim("rejected", "busy"),
    )
    wait_labelled(virt, "busy", "app=busy", 3)
    return virt


@pytest.fixture(scope="module")
def prometheus(seen: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that watches it, from before there is something to do."""
    monitor = seen.host.api.get("ServiceMonitor", JOB, seen.namespace)
    rule = seen.host.api.get("PrometheusRule", NAME, seen.namespace)
    directory = tmp_path_factory.mktemp("monitoring") / "prometheus"
    with Prometheus(monitor, rule, seen.host.api, directory) as made:
        yield made


@pytest.fixture(scope="module")
def panels(seen: Release, prometheus: Prometheus) -> Iterator[list[Obj]]:
    """The dashboard's panels; in the end what they show is written down."""
    began = time.time()
    config_map = seen.host.api.get("ConfigMap", f"{NAME}-dashboard", seen.namespace)
    (text,) = config_map["data"].values()
    found = [each for each in json.loads(text)["panels"] if each["type"] != "row"]
    yield found
    _write(prometheus, found, seen.namespace, began)


def _filled(query: str, namespace: str) -> str:
    values = {"$namespace": namespace, "$job": JOB, "$__rate_interval": SHORT}
    for variable, value in values.items():
        query = query.replace(variable, value)
    return query


def _write(prometheus: Prometheus, panels: list[Obj], namespace: str, began: float) -> None:
    span = {"start": began, "end": time.time(), "step": EACH}
    shown = [
        {
            "title": panel["title"],
            "type": panel["type"],
            "unit": panel["fieldConfig"]["defaults"]["unit"],
            "series": [
                {"legend": target["legendFormat"], **series}
                for target in panel["targets"]
                for series in prometheus.ask(
                    "query_range", query=_filled(target["expr"], namespace), **span
                )["result"]
            ],
        }
        for panel in panels
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    Path(RESULTS / "monitoring.json").write_text(json.dumps(shown))


def test_the_service_monitor_leads_to_the_syncer(prometheus: Prometheus, seen: Release) -> None:
    def scraped() -> list[Obj]:
        found = prometheus.samples("up == 1")
        if not found:
            raise Pending(str(prometheus.ask("targets")["activeTargets"])[:500])
        return found

    (target,) = until("Prometheus scrapes a target", scraped, NOTICED)
    labels = target["metric"]
    assert (labels["namespace"], labels["job"]) == (seen.namespace, JOB)
    assert labels["pod"] == seen.pod


def test_every_panel_shows_something(
    prometheus: Prometheus, panels: list[Obj], busy: Virtual, seen: Release
) -> None:
    assert busy
    queries = {
        (panel["title"], _filled(target["expr"], seen.namespace))
        for panel in panels
        for target in panel["targets"]
    }
    assert len(queries) > 20

    def all_have_data() -> bool:
        empty = [each for each in queries if not prometheus.samples(each[1])]
        if empty:
            raise Pending(str(sorted(empty)))
        return True

    until("every query of the dashboard returns data", all_have_data, 2 * NOTICED)


def test_every_alert_has_something_to_judge(prometheus: Prometheus, seen: Release) -> None:
    """With `bool` a comparison tells 0 instead of nothing where it does not hold."""
    rule = seen.host.api.get("PrometheusRule", NAME, seen.namespace)
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    assert len(alerts) > 10
    for each in alerts:
        if each["alert"] == f"{PREFIX}Leaderless":
            continue  # there is one replica, and no election
        expr = each["expr"].partition(" or absent(")[0]
        judged, count = re.subn(r" (==|<|>) (?=[\d.]+( \* \d+)?$)", r" \1 bool ", expr)
        assert count == 1, expr
        assert prometheus.samples(judged), judged


def test_what_is_refused_and_what_the_host_rejects_fires_and_nothing_else(
    prometheus: Prometheus, busy: Virtual
) -> None:
    assert busy
    wanted = {f"{PREFIX}ObjectsRefused", f"{PREFIX}ObjectsStuck"}

    def fire() -> bool:
        firing = prometheus.firing()
        if firing != wanted:
            raise Pending(str(firing))
        return True

    until("just these alerts fire", fire, NOTICED)
    stuck = {
        (each["labels"].get("kind"), each["labels"].get("result"), each["labels"].get("reason"))
        for each in prometheus.ask("alerts")["alerts"]
    }
    # Quotas are the host's word, which the tenant reads as an event: a refusal, too.
    assert stuck == {
        ("pods", None, "PodSecurity"),
        ("persistentvolumeclaims", None, "HostForbids"),
        ("persistentvolumeclaims", "rejected", None),
    }


def test_a_datastore_that_is_another_one_fires_until_the_operator_decides(
    prometheus: Prometheus, panels: list[Obj], seen: Release, busy: Virtual
) -> None:
    assert busy
    assert panels
    wanted = {f"{PREFIX}{each}" for each in ("DatastoreExchanged", "DeletionsHeld", "NotReady")}
    api, anchor = seen.host.api, f"{NAME}-anchor"
    prefix = "virtualcluster.dev/"
    other = {"metadata": {"annotations": {f"{prefix}kube-system-uid": "another"}}}
    api.patch("ConfigMap", anchor, seen.namespace, other)
    old = api.get("Pod", seen.pod, seen.namespace)["metadata"]["uid"]
    api.delete("Pod", seen.pod, seen.namespace)

    def fire() -> bool:
        firing = prometheus.firing()
        if not wanted <= firing:
            raise Pending(str(firing))
        return True

    until("these alerts fire", fire, 3 * NOTICED)
    yes = {"metadata": {"annotations": {f"{prefix}confirm-deletions": "yes"}}}
    api.patch("ConfigMap", anchor, seen.namespace, yes)

    def over() -> bool:
        pod, firing = api.get("Pod", seen.pod, seen.namespace), prometheus.firing()
        if wanted & firing or not is_ready(pod) or pod["metadata"]["uid"] == old:
            raise Pending(f"{firing}; {brief(pod)}")
        return True

    until("they are silent again", over, NOTICED)


def test_a_syncer_that_nobody_finds_fires(prometheus: Prometheus, seen: Release) -> None:
    seen.host.api.delete("Service", JOB, seen.namespace)

    def fire() -> bool:
        firing = prometheus.firing()
        if f"{PREFIX}Down" not in firing:
            raise Pending(str(firing))
        return True

    until("its alert fires", fire, NOTICED)
    alerts = prometheus.ask("alerts")["alerts"]
    (down,) = [each for each in alerts if each["labels"]["alertname"] == f"{PREFIX}Down"]
    assert seen.namespace in down["annotations"]["summary"]
