"""The syncer's metrics: what an engine tells, by the conventions, and nothing of its tenant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from syncer.kube import resources
from syncer.kube.objects import Key
from syncer.kube.reflector import REASONS
from syncer.kube.resources import Resource
from syncer.sync.retry_policy import RESULTS
from syncer.telemetry import http
from syncer.telemetry.metrics import FAMILIES, Metrics
from syncer.telemetry.metrics.api_clients import FAILURES
from syncer.telemetry.metrics.family import COUNTER, GAUGE, HISTOGRAM, Family
from syncer.telemetry.readiness import Progress
from tests.unit.build import pod
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides
from tools.cli_rules import reasons

pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


def _progress(engine: Engine) -> Progress:
    progress = Progress()
    progress.clients = [engine.sides.virt, engine.sides.host]
    progress.sources, progress.controller = engine.sources, engine.controller
    progress.versions = {"virt": "v1.34.4+k3s1", "host": "v1.34.4"}
    progress.expiries = lambda: {"admin": 1.8e9}
    return progress


class Told:
    """What Prometheus reads."""

    def __init__(self, progress: Progress) -> None:
        self.text = generate_latest(http.registry(Metrics(progress))).decode()
        self.families: dict[str, Metric] = {
            each.name: each for each in text_string_to_metric_families(self.text)
        }

    def value(self, name: str, **labels: str) -> float:
        samples = [
            sample
            for family in self.families.values()
            for sample in family.samples
            if sample.name == f"virtualcluster_{name}" and labels.items() <= sample.labels.items()
        ]
        assert samples, (name, labels)
        return sum(sample.value for sample in samples)


async def test_before_anything_is_there_only_that_is_told() -> None:
    told = Told(Progress())
    assert told.value("ready") == 0
    assert told.value("build_info") == 1
    filled = {name for name, family in told.families.items() if family.samples}
    ours = {name for name in filled if name.startswith("virtualcluster_")}
    assert ours == {"virtualcluster_ready", "virtualcluster_build_info", "virtualcluster_workers"}


async def test_what_a_syncer_at_work_tells(engine: Engine) -> None:
    engine.add_pods(2)
    engine.virt_api.objects.create("pods", "default", pod("bad", hostNetwork=True))
    progress = _progress(engine)
    async with engine.running():
        await until(lambda: len(engine.host_pods()) == 2)
        await until(lambda: engine.controller.attempts.refusals)
        await until(lambda: not len(engine.controller.queue))
        told = Told(progress)
    assert told.value("ready") == 1
    assert told.value("api_server_info", side="virt", version="v1.34.4+k3s1") == 1
    assert told.value("queue_depth") == told.value("workers_busy") == 0
    assert told.value("objects", side="virt", resource="pods") == 3
    assert told.value("objects", side="host", resource="pods") == 2
    assert told.value("sync_lag_seconds_count", kind="pods") >= 2
    assert told.value("sync_lag_seconds_bucket", kind="pods", le="5.0") >= 2
    assert told.value("reconciles_total", kind="pods", result="done") >= 2
    assert told.value("reconciles_total", kind="pods", result="refused") == 1
    assert told.value("unsynced_objects", kind="pods", result="refused") == 1
    assert told.value("unsynced_objects", kind="services") == 0
    assert told.value("refused_objects", kind="pods", reason="PodSecurity") == 1
    assert told.value("refusals_total", kind="pods", reason="PodSecurity") == 1
    requests = told.value("api_requests_total", side="host", method="POST", code="201")
    took = told.value("api_request_duration_seconds_count", side="host", method="POST")
    assert requests == took >= 2
    assert told.value("watch_last_heard_timestamp_seconds", side="host", resource="pods") > 1e9
    assert told.value("watch_restarts_total", side="host", resource="pods") == 0
    assert told.value("deletions_held") == told.value("datastore_mismatch") == 0
    assert told.value("certificate_expiration_timestamp_seconds", certificate="admin") == 1.8e9


async def test_refusal_that_is_over_leaves_a_zero(engine: Engine) -> None:
    engine.virt_api.objects.create("pods", "default", pod("bad", hostNetwork=True))
    async with engine.running():
        await until(lambda: engine.controller.attempts.refusals)
        engine.virt_api.objects.remove(Place("pods", "default", "bad"))
        await until(lambda: not engine.controller.attempts.unsynced)
        told = Told(_progress(engine))
    assert told.value("refused_objects", kind="pods", reason="PodSecurity") == 0
    assert told.value("refusals_total", kind="pods", reason="PodSecurity") >= 1


async def test_held_deletions_and_an_exchanged_datastore_are_told(engine: Engine) -> None:
    progress = _progress(engine)
    async with engine.running():
        engine.world.brake.hold([Key("pods", "default", "web")], "a test")
        engine.exchange_datastore()
        engine.virt_api.objects.compact()
        engine.virt_api.end_watches()
        await until(engine.sources.datastore.mismatch)
        told = Told(progress)
    assert (told.value("ready"), told.value("deletions_held")) == (0, 1)
    assert told.value("datastore_mismatch") == 1


async def test_requests_without_an_answer_are_told_by_no_code(engine: Engine) -> None:
    engine.host_api.faults.add(Fault("POST", "pods", status=0, times=2))
    engine.add_pods(1)
    async with engine.running():
        await until(engine.host_pods)
        told = Told(_progress(engine))
    assert told.value("api_requests_total", side="host", code="<error>") >= 1
    assert told.value("api_failures_total", side="host", reason="no_answer") >= 1
    assert told.value("api_failures_total", side="virt") == 0


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "server_error"), (503, "server_error"), (409, ""), (429, "")]
)
async def test_failures_of_servers_are_told_from_what_they_do_not_grant(
    engine: Engine, status: int, reason: str
) -> None:
    engine.host_api.faults.add(Fault("POST", "pods", status=status))
    engine.add_pods(1)
    async with engine.running():
        await until(engine.host_pods)
        told = Told(_progress(engine))
    assert told.value("api_requests_total", side="host", code=str(status)) == 1
    assert told.value("api_failures_total", side="host") == (1 if reason else 0)
    if reason:
        assert told.value("api_failures_total", side="host", reason=reason) == 1


# --- conventions


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_the_conventions(family: Family) -> None:
    name, kind, text, labels, _ = family
    assert re.fullmatch(r"virtualcluster(_[a-z]+)+", name)
    assert kind in (GAUGE, COUNTER, HISTOGRAM)
    assert name.endswith("_total") == (kind == COUNTER)
    assert name.endswith("_seconds") or kind != HISTOGRAM
    assert not re.search(r"_(count|sum|bucket|milliseconds|minutes|ms)$", name)
    assert text.endswith(".")
    assert not {"le", "quantile", "job", "instance", "namespace", "pod"} & set(labels)


def test_no_two_are_of_one_name() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


async def test_no_series_is_told_twice(engine: Engine) -> None:
    """Prometheus drops a whole scrape for it; several watches are of one resource."""
    async with engine.running():
        told = Told(_progress(engine))
    samples = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in told.families.values()
        for sample in family.samples
    ]
    assert len(samples) == len(set(samples))


async def test_values_of_labels_are_words_of_our_own(engine: Engine) -> None:
    """How many series there are must not be the tenant's choice, nor what stands in them."""
    engine.virt_api.objects.create("pods", "shop", pod("bad", "shop", hostNetwork=True))
    engine.add_pods(1)
    async with engine.running():
        await until(engine.host_pods)
        await until(lambda: engine.controller.attempts.refusals)
        told = Told(_progress(engine))
    words = {*RESULTS, *REASONS, *FAILURES, *reasons(), *engine.controller.attempts.work}
    words |= {each.plural for each in vars(resources).values() if isinstance(each, Resource)}
    words |= {"virt", "host", "ahead", "live", "backlog", "news", "admin", "<error>"}
    words |= {"GET", "POST", "PUT", "PATCH", "DELETE", "WATCH"}
    for family in told.families.values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                if family.name.startswith("virtualcluster_") and label not in ("le", "version"):
                    known = value.partition("/")[0] in words or re.fullmatch(r"\d{3}", value)
                    assert known, (sample.name, label, value)
    assert "shop" not in told.text
    assert "team-x" not in told.text


def test_every_word_that_a_result_may_be_is_used() -> None:
    sources = Path(__file__).parents[3] / "syncer" / "sync" / "retry_policy.py"
    used = set(re.findall(r'Outcome\(\s*"(\w+)"', sources.read_text()))
    assert used == set(RESULTS)
