"""The syncer's table of rights is the chart's Role, for every choice of kinds; and what is missing.

Needs `helm` on PATH (or in the variable HELM): `scripts/lab tools` prints where the lab's is.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from syncer.cli import run_command
from syncer.kube.objects import Obj
from syncer.leader import lease
from syncer.run_options import synced_kinds
from syncer.startup.permissions import LEASES, RIGHTS, missing
from syncer.sync.kinds import BY_DEFAULT, NOT_MIRRORED, OPT_IN
from tests.escapes import policy
from tools import chart_values

CHART = Path(__file__).parents[3] / "charts" / "virtualcluster"


class Grant(NamedTuple):
    """One verb on one resource, and the only object that it is granted on, if so."""

    group: str
    resource: str
    verb: str
    name: str = ""
    cluster: bool = False


NEVER = {
    "serviceaccounts",
    "serviceaccounts/token",
    "pods/status",
    "pods/binding",
    "pods/eviction",
    "nodes/proxy",
    "persistentvolumes",
    "namespaces",
    "roles",
    "rolebindings",
    "*",
}
SCENARIOS = {
    "by default": (),
    "endpoints": ("sync.endpoints.enabled=true",),
    "ephemeral containers": ("sync.pods.ephemeralContainers=true",),
    "metrics": ("sync.metrics.enabled=true",),
    "no ingresses": ("sync.ingresses.enabled=false",),
    "nodes": ("sync.nodes.enabled=true",),
    "nodes with metrics": ("sync.nodes.enabled=true", "sync.metrics.enabled=true"),
    "volumes": ("sync.persistentVolumes.enabled=true",),
    "storage classes": ("sync.storageClasses.enabled=true",),
    "ingress classes": ("sync.ingressClasses.enabled=true",),
    "priority classes": ("sync.priorityClasses.enabled=true",),
    "runtime classes": ("sync.runtimeClasses.enabled=true",),
    "nodes, but not by argument": (
        "sync.nodes.enabled=true",
        "syncer.extraArgs={--disable-sync-resources=nodes}",
    ),
    "budgets": ("sync.podDisruptionBudgets.enabled=true",),
    "resize": ("sync.pods.resize=true",),
    "all": (
        "sync.endpoints.enabled=true",
        "sync.pods.ephemeralContainers=true",
        "sync.pods.resize=true",
        "sync.podDisruptionBudgets.enabled=true",
    ),
    "replicas": ("virtualCluster.replicas=3", "virtualCluster.datastore.existingSecret=db"),
    "by argument": ("syncer.extraArgs={--disable-sync-resources=ingresses}",),
}


@functools.cache
def _render(values: tuple[str, ...]) -> tuple[Obj, ...]:
    helm = os.environ.get("HELM") or shutil.which("helm")
    if helm is None:
        pytest.fail("helm is not on PATH: export PATH=$(scripts/lab tools):$PATH")
    command = [helm, "template", "vc", str(CHART), "--namespace=team-x", "--kube-version=v1.34.4"]
    command += [f"--set={value}" for value in values]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    return tuple(each for each in yaml.safe_load_all(result.stdout) if each)


def grants(values: tuple[str, ...]) -> set[Grant]:
    """Return what the roles grant to the syncer once it runs (hooks have roles of their own)."""
    roles = [
        each
        for each in _render(values)
        if each["kind"] in ("Role", "ClusterRole")
        and "helm.sh/hook" not in each["metadata"].get("annotations", {})
    ]
    assert [each["kind"] for each in roles].count("Role") == 1
    return {
        Grant(group, resource, verb, name, cluster=role["kind"] == "ClusterRole")
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


def _needed(kinds: frozenset[str]) -> set[Grant]:
    return {
        Grant(
            right.group,
            right.resource,
            verb,
            lease.name("vc") if right.named else "",
            cluster=right.cluster,
        )
        for right in RIGHTS
        if not right.kind or right.kind in kinds
        for verb in right.verbs
    }


def _kinds(values: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds that the rendered arguments make the syncer sync."""
    (control_plane,) = [each for each in _render(values) if each["kind"] == "StatefulSet"]
    containers = control_plane["spec"]["template"]["spec"]["containers"]
    (args,) = [each["args"] for each in containers if each["name"] == "syncer"]
    assert args[0] == "run"
    settings = run_command.make_context("run", [*args[1:], "--own-node=n", "--pod-ip=i"]).params
    kinds = synced_kinds(settings["enable_sync_resources"], settings["disable_sync_resources"])
    return kinds | {LEASES} if settings["leader_elect"] else kinds


@pytest.mark.parametrize("values", SCENARIOS.values(), ids=SCENARIOS)
def test_roles_grant_what_the_syncer_needs_for_its_kinds_and_no_more(
    values: tuple[str, ...],
) -> None:
    assert grants(values) == _needed(_kinds(values))


ADDED = {"sync.ingresses.enabled", "sync.metrics.enabled"}
"""On by default, or where the host has metrics."""


SETTING = {"virtualCluster.replicas": SCENARIOS["replicas"]}
"""All others are switches."""


@pytest.mark.parametrize("value", [None, *policy.BY_VALUE])
def test_role_is_the_threat_lists_to_the_letter(value: str | None) -> None:
    """Section K, written down a second time in tests/escapes: and what each value adds to it."""
    off = tuple(f"{each}=false" for each in ADDED - {value})
    granted = grants((*off, *SETTING.get(value, (f"{value}=true",))) if value else off)
    wanted = policy.allowed(value) if value else policy.allowed()
    assert {(each.group, each.resource, each.verb) for each in granted} == {
        (*what, verb) for what, verbs in wanted.items() for verb in verbs
    }


@pytest.mark.parametrize("value", policy.BY_VALUE)
def test_value_that_adds_rights_says_which(value: str) -> None:
    """In the words of its documentation, after this mark."""
    found: dict[str, str] = {}
    waiting = chart_values.read((CHART / "values.yaml").read_text())
    while waiting:
        each = waiting.pop()
        found[each.path] = each.description
        waiting += each.children
    _, mark, said = found[value].partition("**Adds to the Role:**")
    assert mark, f"{value} adds rights and does not say so"
    for (group, resource), verbs in policy.BY_VALUE[value].items():
        assert {resource, *verbs} <= set(re.findall(r"[\w/]+", said))
        assert group in said or group in ("policy", "discovery.k8s.io", "networking.k8s.io")


@pytest.mark.parametrize("values", SCENARIOS.values(), ids=SCENARIOS)
def test_roles_never_grant_what_would_lead_out_of_the_namespace(values: tuple[str, ...]) -> None:
    """Threats K; what a value asks of the whole cluster is to read."""
    granted = grants(values)
    assert {each.verb for each in granted if each.cluster} <= {"get", "list", "watch"}
    reads_only = {"persistentvolumes"}  # in the whole cluster, as is asserted above
    assert not {each.resource for each in granted if not each.cluster} & NEVER
    assert not {each.resource for each in granted} & (NEVER - reads_only)
    assert not {each.verb for each in granted} & {
        "*", "deletecollection", "escalate", "bind", "impersonate"
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["ClusterRole", "ClusterRoleBinding"])
def test_nothing_is_cluster_wide_unless_a_value_asks_for_it(kind: str) -> None:
    def made(name: str) -> int:
        return [each["kind"] for each in _render(SCENARIOS[name])].count(kind)

    wide = {name for name in SCENARIOS if name.endswith("classes")}
    wide |= {"nodes", "nodes with metrics", "volumes"}
    assert {name: made(name) for name in SCENARIOS} == {name: name in wide for name in SCENARIOS}


def test_every_right_of_a_kind_belongs_to_a_kind_that_can_be_chosen() -> None:
    choices = {*BY_DEFAULT, *OPT_IN, *NOT_MIRRORED, LEASES}
    assert {right.kind for right in RIGHTS if right.kind} <= choices


# --- what the host grants


def _rule(right: Any, verbs: tuple[str, ...]) -> Obj:
    return {"apiGroups": [right.group], "resources": [right.resource], "verbs": list(verbs)}


def _review(*rules: Obj, incomplete: bool = False) -> Obj:
    return {"status": {"resourceRules": list(rules), "incomplete": incomplete}}


EVERYTHING = frozenset({*BY_DEFAULT, *OPT_IN, *NOT_MIRRORED, LEASES})
FULL = [_rule(right, right.verbs) for right in RIGHTS]


def _missing(review: Obj, kinds: frozenset[str], *, cluster: bool | None = None) -> list[str]:
    both = (False, True) if cluster is None else (cluster,)
    return [each for wide in both for each in missing(review, kinds, "vc-syncer", cluster=wide)]


def test_nothing_is_missing_when_every_right_is_granted() -> None:
    assert _missing(_review(*FULL), EVERYTHING) == []


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: f"{right.resource}-{right.kind}")
def test_each_missing_verb_is_named_with_its_resource(right: Any) -> None:
    others = [rule for rule, each in zip(FULL, RIGHTS, strict=True) if each is not right]
    lacking = _missing(_review(*others), EVERYTHING, cluster=right.cluster)
    assert _missing(_review(*others), EVERYTHING, cluster=not right.cluster) == []
    resource = f"{right.resource}.{right.group}" if right.group else right.resource
    assert lacking == [f"{verb} {resource}" for verb in right.verbs]


@pytest.mark.parametrize(
    ("rule", "lacks"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, False),
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}, True),
        ({"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]}, True),
        ({"apiGroups": [""], "resources": ["*"], "verbs": ["*"], "resourceNames": ["x"]}, True),
        ({"verbs": ["*"]}, True),
    ],
)
def test_wildcards_count_and_rights_on_single_objects_do_not(rule: Obj, lacks: bool) -> None:  # noqa: FBT001
    assert bool(_missing(_review(rule), EVERYTHING)) is lacks


@pytest.mark.parametrize(
    ("names", "lacks"), [(["vc-syncer"], False), (["other", "vc-syncer"], False), (["other"], True)]
)
def test_right_on_our_own_lease_is_enough(names: list[str], lacks: bool) -> None:  # noqa: FBT001
    def granted(right: Any) -> Obj:
        return {**_rule(right, right.verbs), **({"resourceNames": names} if right.named else {})}

    assert bool(_missing(_review(*map(granted, RIGHTS)), EVERYTHING)) is lacks


def test_kind_that_is_off_needs_no_rights() -> None:
    rules = [rule for rule, right in zip(FULL, RIGHTS, strict=True) if not right.kind]
    assert _missing(_review(*rules), frozenset()) == []
    assert _missing(_review(*rules), frozenset({"ingresses"}))[0].endswith(
        "ingresses.networking.k8s.io"
    )


def test_review_that_is_incomplete_proves_nothing() -> None:
    assert _missing(_review(incomplete=True), EVERYTHING) == []


def test_review_without_rules_says_that_all_is_missing() -> None:
    assert len(_missing({"status": {}}, EVERYTHING)) > 20
    assert len(_missing({}, EVERYTHING)) > 20
