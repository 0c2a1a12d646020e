"""Rows D3 and D4: names that others have."""

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
)
from tests.escapes.case import Case, Step, refused, stripped

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


CASES: list[Case] = [
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
]
