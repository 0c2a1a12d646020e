"""Rows D: names that collide, and names of others."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import (
    FOREIGN,
    claim,
    config_map,
    container,
    endpoints,
    foreign,
    ingress,
    pod,
    secret,
    service,
    uses,
    volume,
)
from tests.escapes.case import Case, Check, Seen, Step, refused, stripped

HOST_POD: Obj = {
    "kind": "Pod",
    "spec": {"containers": [container()], "nodeSelector": {"escapes.test/nowhere": "yes"}},
}
OTHERS: dict[str, Obj] = {
    "Pod": HOST_POD,
    "Service": {
        "kind": "Service",
        "spec": {"ports": [{"port": 80}], "selector": {"app": "victim"}},
    },
    "ConfigMap": {"kind": "ConfigMap", "data": {"theirs": "1"}},
    "Secret": {"kind": "Secret", "type": "Opaque", "stringData": {"theirs": "1"}},
    "PersistentVolumeClaim": {
        "kind": "PersistentVolumeClaim",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "2Mi"}},
            "storageClassName": "nobody",
        },
    },
    "Ingress": {
        "kind": "Ingress",
        "spec": {"defaultBackend": {"service": {"name": "victim", "port": {"number": 80}}}},
    },
}
SENT: dict[str, tuple[Obj, ...]] = {
    "Pod": (pod(),),
    "Service": (service(),),
    "ConfigMap": (uses("ConfigMap"), config_map()),
    "Secret": (uses("Secret"), secret()),
    "PersistentVolumeClaim": (claim(),),
    "Ingress": (ingress(),),
}
LOOKALIKE: Obj = {"labels": {"virtualcluster.dev/managed-by": "@rel", "owner": "somebody-else"}}
NEIGHBOUR = {
    "labels": {"virtualcluster.dev/managed-by": "other", "virtualcluster.dev/namespace": "@ns"},
    "annotations": {
        "virtualcluster.dev/name": "@name",
        "virtualcluster.dev/namespace": "@ns",
        "virtualcluster.dev/uid": "22222222-2222-2222-2222-222222222222",
    },
}
PLURALS = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Ingress": "ingresses",
}


def _neighbours(kind: str) -> Obj:
    annotations = {**NEIGHBOUR["annotations"], "virtualcluster.dev/kind": PLURALS[kind]}
    return foreign(OTHERS[kind], labels=NEIGHBOUR["labels"], annotations=annotations)


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
LONG = "l" * 52


def _own_name(seen: Seen) -> bool:
    """Tell whether no other twin of the kind has this twin's marks, or this one's name."""
    twins = [
        each for each in seen.every["Service"] if each["metadata"]["name"] == seen.meta["name"]
    ]
    return (
        len(twins) == 1
        and seen.meta["annotations"]["virtualcluster.dev/name"] == seen.virt["metadata"]["name"]
    )


def _named(name: str, namespace: str = "@ns") -> Obj:
    made = service()
    return {**made, "metadata": {**made["metadata"], "name": name, "namespace": namespace}}


def _namespace(name: str) -> Obj:
    return {"kind": "Namespace", "metadata": {"name": name}}


CASES: list[Case] = [
    *(
        stripped(
            f"D1-{label}",
            "two names that are one when they are joined",
            (_namespace(theirs[1]), _namespace(ours[1]), _named(*theirs), _named(*ours)),
            _own_name,
            allowed=service(),
            shows=lambda seen: seen.meta["name"].endswith("-x-" + seen.facts["rel"]),
        )
        for label, theirs, ours in (
            ("name", ("a@num-x-b", "c@num"), ("a@num", "b-x-c@num")),
            ("release", ("d@num", "e@num-x-@rel"), ("d@num-x-e@num", "@rel")),
            ("overlap", ("f@num-x", "x-g@num"), ("f@num-x-x", "g@num")),
        )
    ),
    *(
        stripped(
            f"D2-{label}",
            "long names that begin alike",
            (_named(f"{LONG}{first}@num"), _named(f"{LONG}{second}@num")),
            _own_name,
            allowed=service(),
        )
        for label, first, second in (("tail", "a", "b"), ("digit", "1", "2"))
    ),
    stripped(
        "D2-width",
        "a name that others could grind: its hash is wide enough",
        (_named(f"{LONG}w@num"),),
        lambda seen: len(seen.meta["name"].rpartition("-")[2]) * 4 >= 128,
        allowed=service(),
    ),
    *(
        refused(
            f"D3-{kind.lower()}",
            "the name of an object of another virtual cluster's",
            sent,
            sent,
            foreign=(_neighbours(kind),),
        )
        for kind, sent in SENT.items()
    ),
    *(
        refused(
            f"D4-{kind.lower()}",
            "the name of an object that nobody marked",
            sent,
            sent,
            foreign=(foreign(OTHERS[kind]),),
            then=(Step({"metadata": {"labels": {"more": "1"}}}),),
        )
        for kind, sent in SENT.items()
    ),
    *(
        refused(
            f"D4-lookalike-{kind.lower()}",
            "the name of an object with our label and no marks",
            sent,
            sent,
            foreign=(foreign(OTHERS[kind], **LOOKALIKE),),
            then=(Step({"metadata": {"labels": {"more": "1"}}}),),
        )
        for kind, sent in SENT.items()
    ),
    *(
        stripped(
            f"D4-delete-{kind.lower()}",
            "deletes its own object whose name another one has on the host",
            sent,
            lambda _seen: True,
            allowed=sent,
            foreign=(foreign(OTHERS[kind]),),
            then=(Step(None),),
        )
        for kind, sent in SENT.items()
    ),
    stripped(
        "D4-tls",
        "the name of somebody's TLS Secret, by an Ingress",
        ingress(tls=[{"secretName": "@name", "hosts": ["@name.tenant.example.com"]}]),
        lambda _seen: True,
        allowed=ingress(),
        foreign=(
            foreign(
                {
                    "kind": "Secret",
                    "type": "kubernetes.io/tls",
                    "stringData": {"tls.crt": "theirs", "tls.key": "theirs"},
                }
            ),
        ),
    ),
    refused(
        "D4-endpoints",
        "Endpoints of the name of another's",
        (service(selector=None), endpoints("@ownip")),
        (service(selector=None), endpoints("@ownip")),
        foreign=(
            {
                "kind": "Endpoints",
                "metadata": {"name": FOREIGN, "namespace": "@host"},
                "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}],
            },
        ),
    ),
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
                ingress(
                    rules=[
                        {
                            "host": "@name.tenant.example.com",
                            "http": {
                                "paths": [
                                    {
                                        "path": "/",
                                        "pathType": "Prefix",
                                        "backend": {
                                            "service": {"name": "@foreign", "port": {"number": 80}}
                                        },
                                    }
                                ]
                            },
                        }
                    ]
                ),
            ),
        )
    ),
    refused(
        "D5-ingress-resource",
        "a backend that is no Service",
        ingress(
            rules=[
                {
                    "host": "@name.tenant.example.com",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"resource": {"kind": "Secret", "name": "@foreign"}},
                            }
                        ]
                    },
                }
            ]
        ),
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
