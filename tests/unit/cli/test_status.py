"""`status`: what is said of a virtual cluster that is well, and of one that is not."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from syncer import identity
from syncer.kube.objects import Obj
from syncer.kube.recorder import COMPONENT
from tests.unit.cli.conftest import Run
from tests.unit.cli.fakes import Served
from virtualcluster_cli.figures import figures_of

METRICS = """# HELP virtualcluster_ready 1 if /readyz succeeds
# TYPE virtualcluster_ready gauge
virtualcluster_ready 1.0
# TYPE virtualcluster_queue_depth gauge
virtualcluster_queue_depth{lane="live"} 1.0
virtualcluster_queue_depth{lane="backlog"} 2.0
# TYPE virtualcluster_unsynced_objects gauge
virtualcluster_unsynced_objects{kind="pods",result="refused"} 2.0
virtualcluster_unsynced_objects{kind="pods",result="failed"} 0.0
# TYPE virtualcluster_sync_lag_seconds histogram
virtualcluster_sync_lag_seconds_bucket{kind="pods",le="0.25"} 98.0
virtualcluster_sync_lag_seconds_bucket{kind="pods",le="1.0"} 99.0
virtualcluster_sync_lag_seconds_bucket{kind="pods",le="+Inf"} 99.0
virtualcluster_sync_lag_seconds_bucket{kind="services",le="0.25"} 1.0
virtualcluster_sync_lag_seconds_bucket{kind="services",le="1.0"} 1.0
virtualcluster_sync_lag_seconds_bucket{kind="services",le="+Inf"} 1.0
virtualcluster_sync_lag_seconds_sum{kind="pods"} 20.0
# TYPE virtualcluster_api_requests_total counter
virtualcluster_api_requests_total{code="200",method="GET"} 7.0
# TYPE process_open_fds gauge
process_open_fds 30.0
"""


FIGURES = {
    "ready": 1.0,
    "queue_depth": 3.0,
    "unsynced_objects{kind=pods,result=refused}": 2.0,
    "sync_lag_seconds{quantile=0.5}": 0.25,
    "sync_lag_seconds{quantile=0.99}": 0.25,
}


@contextlib.contextmanager
def syncer(waits_for: str = "ok", metrics: str = METRICS) -> Iterator[int]:
    """What the syncer serves on port 8081; gives the port that it has here."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = waits_for if self.path == "/readyz" else metrics
            self.send_response(200 if waits_for == "ok" else 503)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def said(cli: Run, code: int = 0) -> dict[str, Any]:
    done = cli("status", "dev", "-o", "json")
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("dev")
def test_one_that_is_well(cli: Run, host: Served, virt: Served) -> None:
    refused = virt.create("pods", "shop", metadata={"name": "bad"}, spec={})
    about = {"kind": "Pod", "namespace": "shop", "name": "bad", "uid": refused["metadata"]["uid"]}
    for number, source in enumerate((COMPONENT, "kubelet")):
        virt.create(
            "events",
            "shop",
            metadata={"name": f"bad.{number}"},
            involvedObject=about,
            type="Warning",
            reason="PodSecurity",
            message="violates Pod Security 'baseline': hostPath volume disk",
            source={"component": source},
        )
    virt.create("pods", "shop", metadata={"name": "web"}, spec={})
    host.create("pods", "team-x", metadata={"name": "w", "labels": {identity.MANAGED_BY: "dev"}})
    with syncer() as port:
        host.api.behind["dev-0", 8081] = lambda: port
        found = said(cli)
        table = cli("status", "dev").stdout
    assert found["phase"] == "Ready"
    assert found["versions"]["kubernetes"] == "v1.34.4"
    assert found["sync"] == FIGURES
    assert {"kind": "pods", "inside": 2, "host": 1} in found["counts"]
    (refusal,) = found["refusals"]
    assert (refusal["object"], refusal["namespace"]) == ("pod/bad", "shop")
    assert [each["name"] for each in found["certificates"]] == [
        "cluster authority",
        "administrator",
        "API server",
    ]
    assert [each["days"] for each in found["certificates"]][1:] == [0, 0]
    assert found["notes"] == []
    for words in ("queue_depth", "pod/bad", "0 (soon)", "virtual-cluster", "team-x/dev"):
        assert words in table


@pytest.mark.usefixtures("dev")
def test_what_the_syncer_waits_for(cli: Run, host: Served) -> None:
    with syncer("the watch of pods has stalled") as port:
        host.api.behind["dev-0", 8081] = lambda: port
        assert said(cli)["sync"]["waits for"] == "the watch of pods has stalled"


def test_one_that_does_not_come_up(cli: Run, host: Served, dev: Obj) -> None:
    assert dev
    del host.api.objects.all["secrets", "team-x", "vc-dev"]  # type: ignore[arg-type]
    found = host.api.objects.find("pods", "team-x", "dev-0")
    assert found
    waiting = {"reason": "ImagePullBackOff", "message": "denied"}
    found["status"] = {"containerStatuses": [{"name": "syncer", "state": {"waiting": waiting}}]}
    with syncer("waiting for the kubeconfig of k3s") as port:
        host.api.behind["dev-0", 8081] = lambda: port
        made = said(cli, code=6)
    assert made["phase"] == "ImagePullBackOff"
    assert "cannot be pulled (denied)" in made["trouble"]
    assert len(made["notes"]) == 2
    assert made["sync"]["waits for"]


def test_one_that_is_paused(cli: Run, host: Served, dev: Obj) -> None:
    found = host.api.objects.find("statefulsets", "team-x", "dev")
    assert found
    assert dev
    found["spec"]["replicas"] = 0
    del host.api.objects.all["pods", "team-x", "dev-0"]  # type: ignore[arg-type]
    made = said(cli)
    assert (made["phase"], made["notes"], made["trouble"]) == ("Paused", [], "")


def test_requests_and_other_peoples_figures_are_left_to_prometheus() -> None:
    assert figures_of(METRICS) == FIGURES


def test_of_a_syncer_that_has_done_nothing_yet_no_lag_is_told() -> None:
    text = METRICS.replace(" 98.0", " 0").replace(" 99.0", " 0").replace(" 1.0", " 0")
    assert not any("lag" in name for name in figures_of(text))


def test_a_lag_beyond_all_bounds_is_told_as_such() -> None:
    text = METRICS.replace('le="0.25"} 98.0', 'le="0.25"} 97.0')
    assert figures_of(text)["sync_lag_seconds{quantile=0.99}"] == 1.0
    text = text.replace('le="+Inf"} 99.0', 'le="+Inf"} 900.0')
    assert figures_of(text)["sync_lag_seconds{quantile=0.5}"] == "> 1.0"
