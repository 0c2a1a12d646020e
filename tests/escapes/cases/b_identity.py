"""Rows B: whose name a pod acts under."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import meta, pod, secret, uses, volume
from tests.escapes.case import Case, Seen, inside, stripped

TOKEN = "kubernetes.io/service-account-token"
NAMING = {"kubernetes.io/service-account.name": "@rel"}


def _account(name: str, annotations: Obj | None = None) -> Obj:
    return {"kind": "ServiceAccount", "metadata": meta(name, annotations=annotations or {})}


def _projected(*sources: Obj) -> Obj:
    return volume({"projected": {"sources": list(sources)}})


def _sources(seen: Seen) -> list[str]:
    return [
        kind
        for each in seen.spec.get("volumes") or ()
        for source in (each.get("projected") or {}).get("sources") or ()
        for kind in source
    ]


def _no_rights(seen: Seen) -> bool:
    return bool(seen.spec["serviceAccountName"] == seen.facts["workload"])


def _no_token(seen: Seen) -> bool:
    return (
        seen.spec.get("automountServiceAccountToken") is False
        and "serviceAccountToken" not in _sources(seen)
        and "clusterTrustBundle" not in _sources(seen)
    )


def _only_the_charts(seen: Seen) -> bool:
    """Tell whether the host namespace has only the accounts that the chart makes."""
    names = {each["metadata"]["name"] for each in seen.every["ServiceAccount"]}
    return names <= {"default", seen.facts["account"], seen.facts["workload"]}


CASES: list[Case] = [
    *(
        stripped(
            f"B1-{name}",
            f"acts as {what}",
            (_account(account), pod({"serviceAccountName": account})),
            lambda seen: _no_rights(seen) and _no_token(seen),
            allowed=pod(),
            shows=_no_rights,
        )
        for name, what, account in (
            ("syncer", "the syncer, by its account's name", "@rel"),
            ("default", "the host namespace's default account", "default-host"),
            ("own", "an account of its own", "@name"),
        )
    ),
    stripped(
        "B1-deprecated-field",
        "acts as the syncer, by the deprecated field",
        (_account("@rel-old"), pod({"serviceAccount": "@rel-old"})),
        lambda seen: (
            _no_rights(seen) and seen.spec.get("serviceAccount") != seen.facts["rel"] + "-old"
        ),
        allowed=pod(),
    ),
    stripped(
        "B1-automount",
        "asks for the token of its account",
        pod({"automountServiceAccountToken": True}),
        _no_token,
        allowed=pod({"automountServiceAccountToken": False}),
    ),
    stripped(
        "B1-service-links",
        "asks for the host's services in its environment",
        pod({"enableServiceLinks": True}),
        lambda seen: seen.spec.get("enableServiceLinks") is False,
        allowed=pod({"enableServiceLinks": False}),
    ),
    *(
        stripped(
            f"B2-{name}",
            f"a projected token for {audience or 'the API server'}",
            pod(_projected({"serviceAccountToken": {"path": "t", "audience": audience}})),
            lambda seen: _no_token(seen) and "secret" in _sources(seen),
            allowed=pod(_projected({"configMap": {"name": "kube-root-ca.crt"}})),
            shows=lambda seen: "configMap" in _sources(seen),
        )
        for name, audience in (("sts", "sts.amazonaws.com"), ("vault", "vault"), ("api", ""))
    ),
    *(
        stripped(
            f"B3-{name}",
            "a Secret that a controller of the host would fill in, or Helm read",
            (*before, uses("Secret"), secret({"annotations": NAMING}, type_, **data)),
            lambda seen: (
                seen.host["type"] == "Opaque"
                and not any(key in seen.meta["annotations"] for key in NAMING)
                and "token" not in (seen.host.get("data") or {})
            ),
            allowed=(uses("Secret"), secret(None, "kubernetes.io/basic-auth", username="u")),
            shows=lambda seen: seen.host["type"] == "kubernetes.io/basic-auth",
        )
        for name, type_, data, before in (
            ("helm-release", "helm.sh/release.v1", {"release": "x"}, ()),
            ("bootstrap", "bootstrap.kubernetes.io/token", {"token-id": "abcdef"}, ()),
        )
    ),
    stripped(
        "B3-sa-token",
        "a Secret that the host's token controller would fill in with the syncer's token",
        (_account("@rel"), uses("Secret"), secret({"annotations": NAMING}, TOKEN)),
        lambda seen: (
            seen.host["type"] == "Opaque" and not set(NAMING) & set(seen.meta["annotations"])
        ),
        allowed=(uses("Secret"), secret()),
        shows=lambda seen: seen.host["type"] == "Opaque",
    ),
    *(
        inside(
            f"B5-{name}",
            "an account that names a role in the cloud",
            _account("@name", {key: "x"}),
            _only_the_charts,
            allowed=pod(),
        )
        for name, key in (
            ("aws", "eks.amazonaws.com/role-arn"),
            ("gcp", "iam.gke.io/gcp-service-account"),
            ("azure", "azure.workload.identity/client-id"),
        )
    ),
    stripped(
        "B5-pod-label",
        "the label that has a webhook inject credentials",
        pod(metadata={"labels": {"azure.workload.identity/use": "true"}}),
        lambda seen: "azure.workload.identity/use" not in seen.meta["labels"],
        allowed=pod(metadata={"labels": {"app": "x"}}),
    ),
    stripped(
        "B5-kube2iam",
        "the annotation of kube2iam",
        pod(metadata={"annotations": {"iam.amazonaws.com/role": "admin"}}),
        lambda seen: "iam.amazonaws.com/role" not in seen.meta["annotations"],
        allowed=pod(),
    ),
    stripped(
        "B6-pull-secret",
        "pulls with a Secret of the host's, by its name",
        pod({"imagePullSecrets": [{"name": "@foreign"}]}),
        lambda seen: (
            [each["name"] for each in seen.spec["imagePullSecrets"]] != [seen.facts["foreign"]]
        ),
        allowed=(secret(), pod({"imagePullSecrets": [{"name": "@name"}]})),
        shows=lambda seen: any(
            each["metadata"]["name"] == seen.spec["imagePullSecrets"][0]["name"]
            for each in seen.every["Secret"]
        ),
    ),
]
