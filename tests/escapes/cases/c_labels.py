"""Rows C2 and C4 to C9: labels, classes and other metadata."""

from __future__ import annotations

from tests.escapes.build import claim, config_map, ingress, pod, secret, service, uses
from tests.escapes.case import TENANT, Case, Check, Seen, Step, inside, stripped

OURS = "virtualcluster.dev/"


def _annotated(seen: Seen) -> bool:
    """Tell whether the twin has no annotations but ours, a pod's downward copies included."""
    return all(key.startswith(OURS) for key in seen.meta.get("annotations") or ())


def _labelled(seen: Seen) -> bool:
    return all(key.startswith((OURS, TENANT)) for key in seen.meta["labels"])


def _not_stolen(key: str) -> Check:
    return lambda seen: seen.meta["annotations"].get(key) != "stolen"


WEARS: dict[str, dict[str, str]] = {
    "chart-selector": {
        "app.kubernetes.io/name": "virtualcluster",
        "app.kubernetes.io/instance": "@rel",
    },
    "loft": {"app": "loft", "release": "@rel"},
    "host-service": {"app": "victim"},
    "other-cluster": {"virtualcluster.dev/managed-by": "other"},
    "job": {"batch.kubernetes.io/job-name": "x", "statefulset.kubernetes.io/pod-name": "@rel-0"},
}


CASES: list[Case] = [
    inside(
        "C2-storageclass",
        "a default StorageClass of its own",
        {
            "kind": "StorageClass",
            "metadata": {
                "name": "@name",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "example.com/x",
        },
        lambda seen: seen.facts["name"] not in str(seen.every["StorageClass"]),
        allowed=claim(),
    ),
    inside(
        "C2-ingressclass",
        "a default IngressClass of its own",
        {
            "kind": "IngressClass",
            "metadata": {
                "name": "@name",
                "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
            },
            "spec": {"controller": "example.com/x"},
        },
        lambda seen: seen.facts["name"] not in str(seen.every["IngressClass"]),
        allowed=ingress(),
    ),
    inside(
        "C2-priorityclass",
        "a global default PriorityClass of its own",
        {"kind": "PriorityClass", "metadata": {"name": "@name"}, "value": 1000000},
        lambda seen: seen.facts["name"] not in str(seen.every["PriorityClass"]),
        allowed=pod(),
    ),
    *(
        inside(
            f"C4-{name}",
            "labels of a Namespace that loosen or inject",
            {"kind": "Namespace", "metadata": {"name": "@name", "labels": labels}},
            lambda seen: (
                not [
                    each
                    for each in seen.every["Namespace"]
                    if each["metadata"]["name"] == seen.facts["name"]
                    or (
                        each["metadata"]["name"] == seen.facts["host"]
                        and {"pod-security.kubernetes.io/enforce", "istio-injection"}
                        & set(each["metadata"].get("labels") or ())
                    )
                ]
            ),
            allowed=pod(),
        )
        for name, labels in (
            ("pod-security", {"pod-security.kubernetes.io/enforce": "privileged"}),
            ("injection", {"istio-injection": "enabled"}),
        )
    ),
    *(
        stripped(
            f"C5-{name}",
            "wears labels that somebody on the host selects",
            pod(metadata={"labels": labels}),
            lambda seen: (
                _labelled(seen) and seen.meta["labels"][f"{OURS}managed-by"] == seen.facts["rel"]
            ),
            allowed=pod(metadata={"labels": {"app": "web"}}),
            shows=lambda seen: "web" in seen.meta["labels"].values(),
        )
        for name, labels in WEARS.items()
    ),
    stripped(
        "C5-selector",
        "a Service that selects the control plane's pod",
        service(selector={"app.kubernetes.io/instance": "@rel"}),
        lambda seen: (
            all(key.startswith((OURS, TENANT)) for key in seen.spec["selector"])
            and seen.spec["selector"][f"{OURS}managed-by"] == seen.facts["rel"]
        ),
        allowed=service(selector={"app": "x"}),
        shows=lambda seen: "x" in seen.spec["selector"].values(),
    ),
    stripped(
        "C5-budget",
        "a budget that holds up everybody's pods",
        {
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "@name", "namespace": "@ns"},
            "spec": {"minAvailable": 1, "selector": {}},
        },
        lambda seen: (
            seen.spec["selector"]["matchLabels"].get(f"{OURS}managed-by") == seen.facts["rel"]
        ),
        allowed={
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "@name", "namespace": "@ns"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
        },
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
        shows=lambda seen: "x" in seen.spec["selector"]["matchLabels"].values(),
    ),
    stripped(
        "C6-helm-secret",
        "a Secret that looks like a release of Helm's",
        (
            uses("Secret"),
            secret(
                {
                    "labels": {
                        "owner": "helm",
                        "name": "@rel",
                        "status": "deployed",
                        "version": "99",
                    }
                },
                "helm.sh/release.v1",
                release="x",
            ),
        ),
        lambda seen: _labelled(seen) and seen.host["type"] == "Opaque",
        allowed=(uses("Secret"), secret()),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
    ),
    stripped(
        "C6-helm-configmap",
        "a ConfigMap that looks like a release of Helm's",
        (uses("ConfigMap"), config_map({"labels": {"OWNER": "TILLER", "NAME": "@rel"}})),
        _labelled,
        allowed=(uses("ConfigMap"), config_map()),
    ),
    *(
        stripped(
            f"C7-label-{name}",
            "the syncer's own label",
            pod(metadata={"labels": {key: value}}),
            lambda seen: (
                seen.meta["labels"][f"{OURS}managed-by"] == seen.facts["rel"]
                and seen.meta["labels"][f"{OURS}namespace"] == seen.facts["ns"]
            ),
            allowed=pod(),
        )
        for name, key, value in (
            ("managed-by", f"{OURS}managed-by", "other"),
            ("namespace", f"{OURS}namespace", "kube-system"),
            ("tenant", f"{TENANT}abc", "x"),
        )
    ),
    *(
        stripped(
            f"C7-annotation-{name}",
            "the syncer's own annotation",
            pod(metadata={"annotations": {f"{OURS}{name}": "stolen"}}),
            _not_stolen(f"{OURS}{name}"),
            allowed=pod(),
        )
        for name in ("name", "namespace", "uid", "kind", "annotations", "token-renew-at")
    ),
    *(
        stripped(
            f"C8-{name}",
            "metadata by which the host deletes, keeps or names",
            service({name: value}),
            lambda seen: (
                not seen.meta.get("finalizers")
                and not seen.meta.get("generateName")
                and [each["name"] for each in seen.meta["ownerReferences"]]
                == [seen.facts["rel"] + "-anchor"]
            ),
            allowed=service(),
        )
        for name, value in (
            ("finalizers", ["example.com/never"]),
            (
                "ownerReferences",
                [
                    {
                        "apiVersion": "example.com/v1",
                        "kind": "Nothing",
                        "name": "@rel-0",
                        "uid": "11111111-1111-1111-1111-111111111111",
                    }
                ],
            ),
        )
    ),
    *(
        stripped(
            f"C9-{name}",
            "values as long as the API takes them",
            made,
            lambda seen: _annotated(seen) and _labelled(seen),
            allowed=service(),
        )
        for name, made in (
            ("labels", service({"labels": {f"k{n}": "v" * 63 for n in range(100)}})),
            ("annotations", service({"annotations": {"big": "ü" * 100_000}})),
            ("pod-annotations", pod(metadata={"annotations": {"big": "ü" * 100_000}})),
            ("label-key", service({"labels": {"n" * 63: "v" * 63}})),
        )
    ),
]
