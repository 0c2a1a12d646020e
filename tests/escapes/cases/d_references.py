"""Rows D5 and D6: names of others in references."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import (
    claim,
    config_map,
    container,
    ingress,
    pod,
    secret,
    uses,
    volume,
)
from tests.escapes.case import Case, Check, refused, stripped


def _raw(name: str) -> Check:
    return lambda seen: f'"{seen.facts[name]}"' not in seen.text()


RAW: dict[str, Obj] = {
    "volume-secret": pod(volume({"secret": {"secretName": "@foreign"}})),
    "volume-configmap": pod(volume({"configMap": {"name": "@foreign"}})),
    "projected-secret": pod(volume({"projected": {"sources": [{"secret": {"name": "@foreign"}}]}})),
    "projected-configmap": pod(
        volume({"projected": {"sources": [{"configMap": {"name": "@foreign"}}]}})
    ),
    "env-secret": pod(
        env=[{"name": "E", "valueFrom": {"secretKeyRef": {"name": "@foreign", "key": "k"}}}]
    ),
    "env-configmap": pod(
        env=[{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "@foreign", "key": "k"}}}]
    ),
    "envfrom-secret": pod(envFrom=[{"secretRef": {"name": "@foreign"}}]),
    "envfrom-configmap": pod(envFrom=[{"configMapRef": {"name": "@foreign"}}]),
    "init-env-secret": pod(
        {
            "initContainers": [
                container(
                    name="init",
                    env=[
                        {
                            "name": "E",
                            "valueFrom": {"secretKeyRef": {"name": "@foreign", "key": "k"}},
                        }
                    ],
                )
            ]
        }
    ),
    "pull-secret": pod({"imagePullSecrets": [{"name": "@foreign"}]}),
    "claim": pod(volume({"persistentVolumeClaim": {"claimName": "@foreign"}})),
    "kube-api-access": pod(
        {"volumes": [{"name": "kube-api-access-x", "secret": {"secretName": "@foreign"}}]}
    ),
}


CASES: list[Case] = [
    *(
        stripped(
            f"D5-{name}",
            "names an object of the host's",
            made,
            _raw("foreign"),
            allowed=(secret(), config_map(), uses("Secret")),
            shows=lambda seen: (
                seen.facts["name"] in seen.spec["volumes"][0]["secret"]["secretName"]
            ),
        )
        for name, made in RAW.items()
    ),
    *(
        stripped(
            f"D5-ingress-{name}",
            "names a Secret or a Service of the host's",
            made,
            _raw("foreign"),
            allowed=ingress(tls=[{"secretName": "@name", "hosts": ["@name.tenant.example.com"]}]),
            shows=lambda seen: seen.spec["tls"][0]["secretName"].startswith(seen.facts["name"]),
        )
        for name, made in (
            (
                "tls",
                ingress(tls=[{"secretName": "@foreign", "hosts": ["@name.tenant.example.com"]}]),
            ),
            (
                "backend",
                ingress(backend={"service": {"name": "@foreign", "port": {"number": 80}}}),
            ),
        )
    ),
    refused(
        "D5-ingress-resource",
        "a backend that is no Service",
        ingress(backend={"resource": {"kind": "Secret", "name": "@foreign"}}),
        ingress(),
    ),
    stripped(
        "D5-translated",
        "a name that looks translated already",
        pod(volume({"secret": {"secretName": "s-x-other-x-@rel"}})),
        lambda seen: (
            seen.spec["volumes"][0]["secret"]["secretName"] != f"s-x-other-x-{seen.facts['rel']}"
        ),
        allowed=(secret(), uses("Secret")),
    ),
    refused(
        "D6-datasourceref",
        "a claim's source in another virtual namespace",
        claim(
            dataSourceRef={"kind": "PersistentVolumeClaim", "name": "x", "namespace": "kube-system"}
        ),
        claim(dataSourceRef={"kind": "PersistentVolumeClaim", "name": "x"}),
    ),
]
