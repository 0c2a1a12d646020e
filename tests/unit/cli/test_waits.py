"""What an object waits for, and what it names."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.kube.objects import Key, Obj
from syncer.translate import pod_references
from tests.unit.build import claim, configmap, container, ingress, pod, service
from tests.unit.cli.conftest import statefulset
from tests.unit.cli.fakes import LABELS, READY
from virtualcluster_cli import waits
from virtualcluster_cli.installations import Installation

ENV = [
    {"name": "a", "valueFrom": {"configMapKeyRef": {"name": "env-conf", "key": "k"}}},
    {"name": "b", "valueFrom": {"secretKeyRef": {"name": "env-cred", "key": "k"}}},
    {"name": "c", "value": "plain"},
]
FROM = [{"configMapRef": {"name": "from-conf"}}, {"secretRef": {"name": "from-cred"}}]
SOURCES = [
    {"configMap": {"name": "projected-conf"}},
    {"secret": {"name": "projected-cred"}},
    {"serviceAccountToken": {"path": "token"}},
]
VOLUMES = [
    {"name": "1", "configMap": {"name": "volume-conf"}},
    {"name": "2", "secret": {"secretName": "volume-cred"}},
    {"name": "3", "persistentVolumeClaim": {"claimName": "volume-claim"}},
    {"name": "4", "ephemeral": {"volumeClaimTemplate": {}}},
    {"name": "5", "projected": {"sources": SOURCES}},
    {"name": "6", "emptyDir": {}},
]


def made(*args: str, pod_status: Any = READY) -> Installation:
    found = statefulset()
    found["spec"]["template"]["spec"]["containers"][1]["args"] = ["run", *args]
    return Installation(found, {"metadata": {"labels": LABELS}, "status": pod_status})


@pytest.mark.parametrize(
    "each",
    [
        pod(),
        pod(containers=[container(env=ENV, envFrom=FROM)]),
        pod(initContainers=[container(env=ENV)], volumes=VOLUMES),
        pod(volumes=VOLUMES, imagePullSecrets=[{"name": "pull"}]),
        pod(ephemeralContainers=[container(name="debug", envFrom=FROM)]),
    ],
)
def test_a_pod_names_what_the_syncer_finds_in_it(each: Obj) -> None:
    assert {tuple(key) for key in waits.references(each)} == pod_references.references(each)


def test_an_ingress_names_its_certificates() -> None:
    named = waits.named_by([], [ingress(tls=[{"hosts": ["a"], "secretName": "web-tls"}, {}])])
    assert {tuple(key) for key in named} == {Key("secrets", "default", "web-tls")}


@pytest.mark.parametrize(
    ("plural", "flags", "why"),
    [
        ("pods", (), ""),
        ("pods", ("--disable-sync-resources=ingresses,pods",), "switched off"),
        ("poddisruptionbudgets", (), "is off"),
        ("poddisruptionbudgets", ("--enable-sync-resources=poddisruptionbudgets",), ""),
        ("storageclasses", (), "shown inside"),
        ("deployments", (), "lives inside only"),
    ],
)
def test_which_kinds_reach_the_host(plural: str, flags: tuple[str, ...], why: str) -> None:
    found = waits.synced(plural, made(*flags))
    assert why in found
    assert bool(found) == bool(why)


ENDED = {"phase": "Failed", "reason": "HostPodGone"}


@pytest.mark.parametrize(
    ("plural", "virt", "flags", "named", "why"),
    [
        ("configmaps", configmap(), (), False, "a pod or an ingress that names it"),
        ("services", service(type="ExternalName"), (), True, "ExternalName"),
        ("services", service("kubernetes"), (), True, "own Service"),
        ("pods", pod(schedulingGates=[{"name": "quota"}]), (), True, "gates: quota"),
        ("pods", pod(), ("--virtual-scheduler",), True, "own scheduler chooses"),
        ("pods", pod(status=ENDED), (), True, "it has ended (HostPodGone)"),
    ],
)
def test_what_an_object_without_a_twin_waits_for(
    plural: str,
    virt: Obj,
    flags: tuple[str, ...],
    named: bool,  # noqa: FBT001
    why: str,
) -> None:
    (found,) = waits.of_virtual(plural, virt, made(*flags), named)
    assert why in found


@pytest.mark.parametrize(
    ("plural", "virt"), [("configmaps", configmap()), ("services", service()), ("pods", pod())]
)
def test_what_should_be_there_waits_for_nothing_that_is_known(plural: str, virt: Obj) -> None:
    assert list(waits.of_virtual(plural, virt, made(), named=True)) == []


def _waiting(**state: str) -> Obj:
    return {"containerStatuses": [{"name": "main", "state": {"waiting": state}}]}


def test_everything_waits_for_the_virtual_cluster_itself() -> None:
    starting = made(pod_status={"containerStatuses": []})
    (found,) = waits.of_virtual("pods", pod(), starting, named=True)
    assert "not ready (Starting)" in found


REFUSED = _waiting(reason="ImagePullBackOff", message="no such image")
CRASHED = _waiting(reason="CrashLoopBackOff")


@pytest.mark.parametrize(
    ("plural", "host", "why"),
    [
        ("persistentvolumeclaims", claim(), ["a volume on the host"]),
        ("persistentvolumeclaims", claim(status={"phase": "Bound"}), []),
        ("services", service(type="LoadBalancer"), ["the host's load balancer"]),
        ("services", service(), []),
        (
            "pods",
            pod(
                status={
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "message": "0/2 nodes"}
                    ]
                }
            ),
            ["a node of the host: 0/2 nodes"],
        ),
        (
            "pods",
            pod(status=REFUSED),
            ["container main: ImagePullBackOff: no such image (tried without a Secret)"],
        ),
        (
            "pods",
            pod(status=REFUSED, imagePullSecrets=[{"name": "a-x-b-x-c"}, {"name": "pull"}]),
            ["ImagePullBackOff: no such image (tried with a-x-b-x-c, pull of the host)"],
        ),
        ("pods", pod(status=CRASHED), ["container main: CrashLoopBackOff"]),
        ("pods", pod(status=READY), []),
    ],
)
def test_what_a_twin_waits_for(plural: str, host: Obj, why: list[str]) -> None:
    found = list(waits.of_host(plural, host))
    assert len(found) == len(why)
    assert all(words in each for words, each in zip(why, found, strict=True))
