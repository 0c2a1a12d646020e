"""PodDisruptionBudgets on the host: how many of the tenant's own pods must stay."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.errors import NotYet, Refused
from syncer.identity import MANAGED_BY, NAMESPACE, tenant_key
from syncer.kube.objects import Obj
from syncer.translate.poddisruptionbudgets import to_host
from tests.unit.build import SCOPE, meta

OURS = {MANAGED_BY: "vc"}
HERE = [{"key": NAMESPACE, "operator": "In", "values": ["default"]}]


def _budget(*, observed: int = 1, healthy: int = 2, **spec: Any) -> Obj:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta("web", generation=1),
        "spec": spec,
        "status": {"observedGeneration": observed, "desiredHealthy": healthy},
    }


@pytest.mark.parametrize(
    ("spec", "healthy"),
    [
        ({"minAvailable": 2}, 2),
        ({"minAvailable": "50%"}, 3),
        ({"maxUnavailable": 1}, 4),
        ({"maxUnavailable": "100%"}, 0),
    ],
)
def test_the_host_gets_the_number_that_the_virtual_controller_worked_out(
    spec: Obj, healthy: int
) -> None:
    made = to_host(_budget(healthy=healthy, **spec), SCOPE)
    assert made["spec"].items() >= {"minAvailable": healthy}.items()
    assert "maxUnavailable" not in made["spec"]


@pytest.mark.parametrize("status", [{}, {"observedGeneration": 0}])
def test_until_it_has_there_is_nothing_to_say(status: Obj) -> None:
    with pytest.raises(NotYet):
        to_host({**_budget(minAvailable=1), "status": status}, SCOPE)


@pytest.mark.parametrize(
    ("selector", "made"),
    [
        ({}, {"matchLabels": OURS, "matchExpressions": HERE}),
        (
            {"matchLabels": {"app": "web"}},
            {"matchLabels": {tenant_key("app"): "web", **OURS}, "matchExpressions": HERE},
        ),
    ],
)
def test_it_selects_own_pods_of_its_own_namespace(selector: Obj, made: Obj) -> None:
    assert to_host(_budget(selector=selector), SCOPE)["spec"]["selector"] == made


def test_without_a_selector_it_selects_nothing() -> None:
    assert "selector" not in to_host(_budget(minAvailable=1), SCOPE)["spec"]


def test_policy_for_unhealthy_pods_passes_and_the_unknown_does_not() -> None:
    made = to_host(_budget(unhealthyPodEvictionPolicy="AlwaysAllow"), SCOPE)
    assert made["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    with pytest.raises(Refused):
        to_host(_budget(fieldOfTheFuture=1), SCOPE)
