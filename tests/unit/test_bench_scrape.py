"""What programs tell of themselves."""

from __future__ import annotations

from collections import Counter

import pytest

from tools.bench import scrape

API_SERVER = """\
# HELP apiserver_request_total Counter of requests
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",resource="pods",subresource="",verb="POST"} 3
apiserver_request_total{code="409",resource="pods",subresource="",verb="POST"} 1
apiserver_request_total{code="200",resource="pods",subresource="status",verb="PATCH"} 5
apiserver_request_total{code="200",resource="pods",subresource="",verb="WATCH"} 9
apiserver_request_duration_seconds_count{verb="POST"} 100
"""
SYNCER = """\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1e+08
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e+09
# TYPE virtualcluster_ready gauge
virtualcluster_ready 1.0
# TYPE virtualcluster_queue_depth gauge
virtualcluster_queue_depth{lane="live"} 1.0
virtualcluster_queue_depth{lane="backlog"} 2.0
# TYPE virtualcluster_workers_busy gauge
virtualcluster_workers_busy 1.0
# TYPE virtualcluster_api_requests_total counter
virtualcluster_api_requests_total{code="201",method="POST",resource="pods",side="host"} 7.0
virtualcluster_api_requests_total{code="200",method="GET",resource="pods",side="host"} 2.0
virtualcluster_api_requests_total{code="200",method="WATCH",resource="pods",side="host"} 8.0
virtualcluster_api_requests_total{code="200",method="PATCH",resource="pods/status",side="virt"} 6.0
"""


def test_an_api_servers_requests_of_all_codes_but_no_watches() -> None:
    assert scrape.api_requests(API_SERVER) == {("POST", "pods"): 4, ("PATCH", "pods/status"): 5}


def test_the_syncers_figures() -> None:
    found = scrape.syncer(SYNCER)
    assert found[:5] == (True, 4, 12.5, 1e8, 1.7e9)
    assert found.host == {("POST", "pods"): 7, ("GET", "pods"): 2}
    assert found.virt == {("PATCH", "pods/status"): 6}


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ({}, {}, {}),
        ({}, {("GET", "pods"): 2}, {("GET", "pods"): 2}),
        ({("GET", "pods"): 2}, {("GET", "pods"): 2}, {}),
        ({("POST", "pods"): 1}, {("POST", "pods"): 4}, {("POST", "pods"): 3}),
    ],
)
def test_what_was_counted_in_between(
    before: dict[tuple[str, str], int],
    after: dict[tuple[str, str], int],
    between: dict[tuple[str, str], int],
) -> None:
    assert scrape.between(Counter(before), Counter(after)) == between


@pytest.mark.parametrize(
    ("verb", "is_"),
    [("GET", False), ("LIST", False), ("POST", True), ("PATCH", True), ("DELETE", True)],
)
def test_writes(verb: str, *, is_: bool) -> None:
    assert bool(scrape.writes(Counter({(verb, "pods"): 1}))) is is_
