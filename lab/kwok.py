"""KWOK: nodes that exist as objects only, whose pods are Running as soon as they are placed there.

What costs time in a burst of pods is then API servers, scheduler and syncer, and no kubelet. Only
pods come here that select NODES and tolerate TAINT; nothing else of the lab changes.
"""

from __future__ import annotations

import json

import yaml

from lab import images, versions
from lab.api import Obj
from lab.assets import Assets
from lab.buildah import Recipe
from lab.cache import Cache
from lab.gobuild import MODULES, Program

MODULE = "sigs.k8s.io/kwok"
TAG = f"kwok:{versions.KWOK}"
PROGRAM = Program(
    name="kwok",
    version=versions.KWOK,
    directory=MODULES / "kwok",
    packages=(f"{MODULE}/cmd/kwok",),
    ldflags=f"-s -w -X {MODULE}/pkg/consts.Version={versions.KWOK}",
)
# Upstream's own quick stages: Ready at once, gone at once; a node's heartbeat is its Lease.
STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
    "pod/fast/pod-ready.yaml",
)
COUNT = 8  # nodes: enough for a scheduler to choose, few enough to cost it nothing
NODES = {"type": "kwok"}
# A virtual cluster passes on only tolerations of keys of this domain.
TAINT = {"key": "node.kubernetes.io/kwok", "value": "simulated", "effect": "NoSchedule"}
_MANAGED = {"kwok.x-k8s.io/node": "fake"}


def recipes(cache: Cache) -> list[Recipe]:
    """Return its image."""
    return [images.static(cache, TAG, PROGRAM, "kwok")]


def render(_assets: Assets) -> str:
    """Return its configuration, with the stages of the module, and the nodes."""
    directory = PROGRAM.module_source(MODULE) / "kustomize" / "stage"
    texts = [json.dumps(_configuration()), *((directory / each).read_text() for each in STAGES)]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kwok", "namespace": "kube-system"},
        "data": {"kwok.yaml": "\n---\n".join(texts)},
    }
    return yaml.safe_dump_all([config, *(node(number) for number in range(1, COUNT + 1))])


def node(number: int) -> Obj:
    """Return one of the nodes; what it can hold is what KWOK says of any: more than is asked."""
    name = f"kwok-{number}"
    labels = {**NODES, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    meta = {"name": name, "labels": labels, "annotations": _MANAGED}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": [TAINT]}}


def _configuration() -> Obj:
    """Return what KWOK is told; as soon as it is told something, most defaults are none."""
    (key, value), *_ = _MANAGED.items()
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "metadata": {"name": "kwok"},
        "options": {
            "manageNodesWithAnnotationSelector": f"{key}={value}",
            "nodeLeaseDurationSeconds": 40,  # a kubelet's
            "cidr": "100.64.0.0/16",  # no network of a lab; nothing listens there
            "nodeLeaseParallelism": 4,
            "nodePlayStageParallelism": 4,
            "podPlayStageParallelism": 16,  # it must not be what a burst waits for
            "enablePodsOnNodeSyncListPager": False,
            "enablePodsOnNodeSyncStreamWatch": True,
            "nodePort": 10247,
        },
    }
