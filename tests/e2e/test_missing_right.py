"""A right that the host took away is named, by verb and resource, and is enough when it is back."""

from __future__ import annotations

import re

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_ready
from tests.e2e.processes import restarts
from tests.e2e.release import Release, Virtual
from tests.e2e.session import BASELINE, Session
from tests.e2e.waiting import Pending, until

SPACE = "default"


class Crippled:
    """An installation whose Role lacks `create pods`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.release: Release = session.release(
            "virtualcluster", session.namespace("right", BASELINE)
        )
        session.install(self.release)
        self.virt: Virtual = session.connect(self.release)
        role = self.release.host.api.get("Role", self.release.name, self.release.namespace)
        rules = [_without_create(rule) for rule in role["rules"]]
        assert rules != role["rules"]
        self.release.host.api.patch(
            "Role", self.release.name, self.release.namespace, {"rules": rules}
        )


def _without_create(rule: Obj) -> Obj:
    if rule["resources"] != ["pods"]:
        return rule
    return {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "create"]}


@pytest.fixture(scope="module")
def crippled(session: Session) -> Crippled:
    return Crippled(session)


def test_the_tenant_is_told_by_an_event(crippled: Crippled) -> None:
    virt = crippled.virt
    virt.api.create(manifests.pod("stuck", SPACE))

    def told() -> list[str]:
        events = virt.api.all("Event", SPACE)
        about = [each for each in events if each["involvedObject"]["name"] == "stuck"]
        messages = [each["message"] for each in about if each["type"] == "Warning"]
        if not any("create" in each and "pods" in each for each in messages):
            raise Pending(str(messages))
        return messages

    messages = until("a Warning names the verb and the resource", told, 30)
    assert not [each for each in messages if crippled.release.namespace in each]


def test_the_operator_is_told_by_the_log_when_it_starts(crippled: Crippled) -> None:
    release = crippled.release
    api, namespace = release.host.api, release.namespace
    pod = api.get("Pod", release.pod, namespace)
    before = restarts(pod, "syncer")
    release.host.kubectl(
        *("exec", release.pod, "-n", namespace, "-c", "syncer"),
        *("--", "python3", "-c", "import os, signal; os.kill(1, signal.SIGTERM)"),
        check=False,
    )

    def told() -> str:
        if restarts(api.get("Pod", release.pod, namespace), "syncer") == before:
            raise Pending("not restarted yet")
        log = release.syncer_log()
        found = re.search(r"does not grant: create pods\b.*", log)
        if not found:
            raise Pending(log)
        return found[0]

    assert "helm upgrade" in until("the log names what is missing", told, 60)
    pod = api.get("Pod", release.pod, namespace)
    ready = {each["name"]: each["ready"] for each in pod["status"]["containerStatuses"]}
    assert not ready["syncer"], "nobody may take it for healthy"


def test_the_cure_that_the_log_names_works(crippled: Crippled) -> None:
    crippled.release.upgrade()
    wait_ready(crippled.virt, SPACE, "stuck", seconds=120)
