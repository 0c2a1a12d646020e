"""Labels, annotations, owners."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


def _metadata(patch: Patch, change: Any) -> None:
    def make(metadata: Any) -> Any:
        def changed(self: Any, key: Any, virt: Any, **named: Any) -> Any:
            made = metadata(self, key, virt, **named)
            change(virt["metadata"], made)
            return made

        return changed

    patch.wrap("syncer.identity.Identity.metadata", make)


@guard(
    "annotations",
    "identity.Identity.metadata: annotations",
    "C1-mesh",
    "C1-every",
    "F5-secret",
    "B5-kube2iam",
)
def all_annotations(patch: Patch) -> None:
    def change(virt: Any, host: Any) -> None:
        host["annotations"] = {**(virt.get("annotations") or {}), **host["annotations"]}

    _metadata(patch, change)


@guard("own-annotations", "identity.Identity.metadata: our own annotations", "C7-annotation")
def own_annotations(patch: Patch) -> None:
    def change(virt: Any, host: Any) -> None:
        host["annotations"] = {**host["annotations"], **(virt.get("annotations") or {})}

    _metadata(patch, change)


@guard("owners", "identity.Identity.metadata: owners and finalizers", "C8-", "J2-finalizer-pod")
def owners(patch: Patch) -> None:
    def change(virt: Any, host: Any) -> None:
        for field in ("ownerReferences", "finalizers"):
            if virt.get(field):
                host[field] = virt[field]

    _metadata(patch, change)


@guard(
    "labels", "identity.tenant_labels", "C5-chart", "C5-loft", "C6-helm", "B5-pod-label", "A7-label"
)
def labels(patch: Patch) -> None:
    patch.attr("syncer.identity.tenant_labels", lambda virt: dict(virt or {}))


@guard("own-labels", "identity.Identity.labels", "C7-label", "C5-other-cluster")
def own_labels(patch: Patch) -> None:
    def make(own: Any) -> Any:
        return lambda self, namespace, virt: {**own(self, namespace, virt), **(virt or {})}

    patch.wrap("syncer.identity.Identity.labels", make)


@guard("selectors", "translate.services.tenant_labels", "C5-selector")
def selectors(patch: Patch) -> None:
    patch.attr("syncer.translate.services.tenant_labels", lambda virt: dict(virt or {}))


@guard("budget-selector", "translate.poddisruptionbudgets.own_selector", "C5-budget")
def budget_selector(patch: Patch) -> None:
    patch.attr(
        "syncer.translate.poddisruptionbudgets.own_selector",
        lambda selector, *_: {"matchLabels": {}, **(selector or {})},
    )
