"""PodDisruptionBudgets: a drain of the host's nodes respects what the tenant asked for."""

from __future__ import annotations

from syncer.errors import NotYet
from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope
from syncer.translate.fields import COPY, DROP, MAP, Verdict, apply
from syncer.translate.nested_fields import check
from syncer.translate.scheduling import own_selector

BUDGET_SPEC: dict[str, Verdict] = {
    "maxUnavailable": DROP,  # as minAvailable: counts against a controller that the host has not
    "minAvailable": MAP,  # the number that the virtual cluster's controller made of both
    "selector": MAP,  # labels under the host's keys
    "unhealthyPodEvictionPolicy": COPY,
}


def to_host(virt: Obj, scope: Scope) -> Obj:
    """Return the host's budget.

    Shares and `maxUnavailable` count against the size of the pods' controller, which the host does
    not know: the virtual cluster's own controller has worked out how many must stay, and that
    number goes to the host. Raises NotYet until it has.
    """
    meta, spec, status = virt["metadata"], virt["spec"], virt.get("status") or {}
    if status.get("observedGeneration", 0) < meta.get("generation", 1):
        raise NotYet("the disruption controller of the virtual cluster")
    mapped = {
        "minAvailable": status.get("desiredHealthy", 0),
        "selector": own_selector(spec.get("selector"), [meta["namespace"]], scope.ident.release),
    }
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": scope.ident.metadata(
            Key("poddisruptionbudgets", meta["namespace"], meta["name"]), virt
        ),
        "spec": check(apply(BUDGET_SPEC, spec, mapped, where="spec"), "PodDisruptionBudgetSpec"),
    }
