"""The rules that `explain` names are the syncer's: every refusal that it can make has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import ingresses, persistentvolumeclaims, pods, services
from syncer.translate.fields import Verdict
from tests.unit.build import DNS_IP, SCOPE, claim, container, ingress, pod, rule, service
from tools import cli_rules
from virtualcluster_cli import rules
from virtualcluster_cli.rules import RULES, known, rule_of, verdict


def test_what_is_generated_is_what_the_sources_say() -> None:
    stale = [path.name for path, text in cli_rules.outputs().items() if path.read_text() != text]
    assert stale == [], "run scripts/generate"


def test_every_reason_of_the_syncer_has_a_rule_and_no_other_has() -> None:
    assert set(RULES) == set(known()["reasons"])


def test_the_reasons_are_those_that_are_written_in_the_sources() -> None:
    found = known()["reasons"]
    assert found["PodSecurity"] == ["syncer/translate/pods.py"]
    assert found["MissingRight"] == ["syncer/sync/retry_policy.py"]  # a tuple, not a Refused
    assert "syncer/sync/classes.py" in found["NameTaken"]  # in a remark
    assert "NoStorageClass" not in found  # ends the preflight check: no tenant reads it


@pytest.mark.parametrize("name", [*rules.TABLES.values(), "CONTAINER", "VOLUME"])
def test_every_field_has_the_syncers_verdict(name: str) -> None:
    table: dict[str, Verdict] = getattr(cli_rules.TABLES[name], name)
    assert {field: verdict(name, field)[0] for field in table} == {
        field: each.value for field, each in table.items()
    }


@pytest.mark.parametrize("name", [*rules.TABLES.values(), "CONTAINER", "VOLUME"])
def test_what_is_not_copied_says_why_without_riddles(name: str) -> None:
    for field, each in known()["fields"][name].items():
        if each["verdict"] != "copy":
            assert each["why"], f"{name}.{field} has no reason beside it"
        assert "threats" not in each["why"]
        assert ".py" not in each["why"]


def test_a_field_that_nobody_knows_is_unknown() -> None:
    assert verdict("POD_SPEC", "fromTheFuture") == ("unknown", "")


def _pod(**spec: Any) -> Callable[[], object]:
    return lambda: pods.to_host(pod(**spec), [], DNS_IP, SCOPE)


def _in(**fields: object) -> Callable[[], object]:
    return _pod(containers=[container(**fields)])


def _volume(**volume: object) -> Callable[[], object]:
    return _pod(volumes=[{"name": "v", **volume}])


def _ingress(limits: tuple[str, ...] = (), classes: tuple[str, ...] = (), **spec: Any) -> Obj:
    scope = SCOPE._replace(ingress_hosts=limits, ingress_classes=classes)
    return ingresses.to_host(ingress(**spec), scope)


def _slice() -> object:
    made = service()
    made["subsets"] = [{"addresses": [{"ip": "169.254.169.254"}]}]
    return services.endpoints_to_host(made, SCOPE, {"10.0.0.1"})


NO_HOST = {**rule(), "host": ""}
BAD_PATH = rule()
BAD_PATH["http"]["paths"][0]["path"] = "/`;"

# What a tenant tries, and words of the rule that it meets.
CASES: dict[str, tuple[Callable[[], object], str]] = {
    "hostPath": (_volume(hostPath={"path": "/"}), "podSecurityStandard"),
    "privileged": (_in(securityContext={"privileged": True}), "podSecurityStandard"),
    "host network": (_pod(hostNetwork=True), "podSecurityStandard"),
    "host port": (_in(ports=[{"containerPort": 1, "hostPort": 1}]), "podSecurityStandard"),
    "probe host": (
        _in(livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}}),
        "podSecurityStandard",
    ),
    "nfs": (_volume(nfs={"server": "x", "path": "/"}), "leads out of the namespace"),
    "gitRepo": (_volume(gitRepo={}), "leads out of the namespace"),
    "csi": (_volume(csi={"driver": "x"}), "leads out of the namespace"),
    "devices": (_pod(resourceClaims=[{"name": "x"}]), "devices of the host"),
    "an unknown field": (_pod(fromTheFuture="x"), "does not know"),
    "runtime class": (_pod(runtimeClassName="kata"), "only the host's own"),
    "projected bundle": (
        _volume(projected={"sources": [{"clusterTrustBundle": {}}]}),
        "lead out of the namespace, or",
    ),
    "volume attributes": (
        lambda: persistentvolumeclaims.to_host(claim(volumeAttributesClassName="x"), SCOPE, ""),
        "operator's choice",
    ),
    "foreign data source": (
        lambda: persistentvolumeclaims.to_host(
            claim(dataSource={"kind": "VolumeSnapshot", "name": "x"}), SCOPE, ""
        ),
        "of the same namespace",
    ),
    "default backend": (
        lambda: _ingress(defaultBackend={"service": {"name": "x", "port": {"number": 1}}}),
        "every unclaimed host",
    ),
    "rule without host": (lambda: _ingress(rules=[NO_HOST]), "sync.ingresses.hosts"),
    "foreign host": (lambda: _ingress(limits=("team-x.example",)), "sync.ingresses.hosts"),
    "foreign class": (
        lambda: _ingress(classes=("nginx",), ingressClassName="other"),
        "sync.ingresses.classes",
    ),
    "path": (lambda: _ingress(rules=[BAD_PATH]), "end a rule"),
    "foreign address": (_slice, "Only pods of the virtual cluster"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_of_a_refusal_is_named(case: str) -> None:
    tried, words = CASES[case]
    with pytest.raises(Refused) as refused:
        tried()
    found = rule_of(refused.value.reason, refused.value.message)
    assert words in found.title, f"{refused.value.reason}: {refused.value.message}"
    assert found.cure


def test_a_newer_syncers_reason_is_not_guessed() -> None:
    assert "does not know" in rule_of("FromTheFuture", "x").title
