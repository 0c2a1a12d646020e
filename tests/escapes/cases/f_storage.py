"""Rows F: volumes of others."""

from __future__ import annotations

from typing import Any

from tests.e2e.cluster import Obj
from tests.escapes.build import claim, pod, volume
from tests.escapes.case import Case, Check, Seen, Step, inside, refused, stripped

SOURCES: dict[str, Obj] = {
    "hostpath": {"hostPath": {"path": "/"}},
    "local": {
        "local": {"path": "/"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}
                ]
            }
        },
    },
    "csi": {"csi": {"driver": "d.example.com", "volumeHandle": "theirs"}},
    "nfs": {"nfs": {"server": "10.0.0.1", "path": "/"}},
}


def _volume(source: Obj) -> Obj:
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": "@name"},
        "spec": {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "@name",
            **source,
        },
    }


def _no_volume(seen: Seen) -> bool:
    return seen.facts["name"] not in [
        each["metadata"]["name"] for each in seen.every["PersistentVolume"]
    ]


def _lacks(*fields: str) -> Any:
    return lambda seen: not [field for field in fields if seen.spec.get(field)]


def _not_noted(key: str, value: str) -> Check:
    return lambda seen: seen.meta["annotations"].get(key) != value


SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "theirs"}
CASES: list[Case] = [
    *(
        inside(
            f"F1-{name}", "a volume of its own making", _volume(source), _no_volume, allowed=claim()
        )
        for name, source in SOURCES.items()
    ),
    refused(
        "F2-volumename", "somebody's volume by its name", claim(volumeName="pv-theirs"), claim()
    ),
    refused(
        "F2-volumename-noclass",
        "a released volume by its name, without a class",
        claim(volumeName="pv-theirs", storageClassName=""),
        claim(),
    ),
    stripped(
        "F2-selector",
        "somebody's volume by its labels",
        claim(selector={"matchLabels": {"owner": "somebody-else"}}),
        _lacks("selector"),
        allowed=claim(),
    ),
    refused("F3-snapshot", "somebody's snapshot", claim(dataSource=SNAPSHOT), claim()),
    refused(
        "F3-snapshot-ref",
        "somebody's snapshot by the newer field",
        claim(dataSourceRef=SNAPSHOT),
        claim(),
    ),
    refused(
        "F3-populator",
        "a populator of the host's",
        claim(dataSourceRef={"apiGroup": "example.com", "kind": "Populator", "name": "x"}),
        claim(),
    ),
    stripped(
        "F3-claim",
        "the control plane's volume as source",
        claim(dataSource={"kind": "PersistentVolumeClaim", "name": "@data"}),
        lambda seen: seen.spec["dataSource"]["name"] != seen.facts["data"],
        allowed=claim(dataSource={"kind": "PersistentVolumeClaim", "name": "own"}),
        shows=lambda seen: seen.spec["dataSource"]["name"].startswith("own-x-"),
    ),
    stripped(
        "F3-claim-ref",
        "the control plane's volume as source, by the newer field",
        claim(dataSourceRef={"kind": "PersistentVolumeClaim", "name": "@data"}),
        lambda seen: seen.spec["dataSourceRef"]["name"] != seen.facts["data"],
        allowed=claim(),
    ),
    refused(
        "F4-attributes",
        "a class of volume attributes",
        claim(volumeAttributesClassName="gold"),
        claim(),
    ),
    refused(
        "F4-class", "a StorageClass that is not offered", claim(storageClassName="gold"), claim()
    ),
    refused("F4-no-class", "a volume without a class", claim(storageClassName=""), claim()),
    refused(
        "F4-default-class",
        "the host's default class, which is not offered",
        claim(storageClassName=None),
        claim(),
    ),
    refused(
        "F4-old-annotation",
        "another class by the old annotation",
        claim({"annotations": {"volume.beta.kubernetes.io/storage-class": "gold"}}),
        claim(),
    ),
    inside(
        "F4-storageclass",
        "a StorageClass of its own, with parameters for the host's provisioner",
        {
            "kind": "StorageClass",
            "metadata": {"name": "@name"},
            "provisioner": "kubernetes.io/glusterfs",
            "parameters": {"resturl": "http://169.254.169.254"},
        },
        lambda seen: seen.facts["name"] not in str(seen.every["StorageClass"]),
        allowed=claim(),
    ),
    *(
        stripped(
            f"F5-{name}",
            "an annotation that a provisioner obeys",
            claim({"annotations": {key: value}}),
            _not_noted(key, value),
            allowed=claim(),
        )
        for name, key, value in (
            ("selected-node", "volume.kubernetes.io/selected-node", "node-9"),
            ("bind-completed", "pv.kubernetes.io/bind-completed", "yes"),
            ("provisioner", "volume.kubernetes.io/storage-provisioner", "example.com/x"),
            ("secret", "csi.storage.k8s.io/provisioner-secret-name", "theirs"),
            ("template", "example.com/secret", "@foreign"),
        )
    ),
    stripped(
        "F5-later",
        "such an annotation, once the claim is there",
        claim(),
        lambda seen: "csi.storage.k8s.io/provisioner-secret-name" not in seen.meta["annotations"],
        then=(
            Step(
                {"metadata": {"annotations": {"csi.storage.k8s.io/provisioner-secret-name": "x"}}}
            ),
        ),
        allowed=claim(),
    ),
    stripped(
        "F3-ephemeral",
        "a generic volume whose template names the host's claim",
        pod(
            volume(
                {
                    "ephemeral": {
                        "volumeClaimTemplate": {
                            "metadata": {
                                "annotations": {"volume.kubernetes.io/selected-node": "node-9"}
                            },
                            "spec": {
                                "accessModes": ["ReadWriteOnce"],
                                "resources": {"requests": {"storage": "1Mi"}},
                                "storageClassName": "standard",
                                "selector": {"matchLabels": {"owner": "somebody-else"}},
                            },
                        }
                    }
                }
            )
        ),
        lambda seen: (
            "ephemeral" not in seen.spec["volumes"][0]
            and "somebody-else"
            not in str(
                [
                    c
                    for c in seen.every["PersistentVolumeClaim"]
                    if seen.facts["name"] in c["metadata"]["name"]
                ]
            )
        ),
        allowed=pod(volume({"emptyDir": {}})),
    ),
]
