"""A walk through the API of every Kubernetes version of the lab: each field below the spec of a
kind that reaches the host has a verdict, at any depth; what has none is refused (threats A8).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.versions import KUBERNETES
from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import nested_fields, pods
from syncer.translate.containers import CONTAINER
from syncer.translate.fields import COPY, MAP, Verdict
from syncer.translate.ingresses import INGRESS_SPEC
from syncer.translate.nested_fields import NOT_OFFERED, SHAPES, check
from syncer.translate.persistentvolumeclaims import CLAIM_SPEC
from syncer.translate.poddisruptionbudgets import BUDGET_SPEC
from syncer.translate.pods import POD_SPEC
from syncer.translate.services import SERVICE_SPEC
from syncer.translate.volumes import VOLUME
from tests.unit.build import SCOPE, container, pod

DATA = Path(__file__).parents[1] / "data"
TABLES: dict[str, dict[str, Verdict]] = {
    "PodSpec": POD_SPEC,
    "Container": CONTAINER | {"targetContainerName": COPY},  # an ephemeral one's
    "Volume": VOLUME,
    "ServiceSpec": SERVICE_SPEC,
    "PersistentVolumeClaimSpec": CLAIM_SPEC,
    "IngressSpec": INGRESS_SPEC,
    "PodDisruptionBudgetSpec": BUDGET_SPEC,
}
NEVER_THERE = {
    "PodSpec.schedulingGates",  # with one the pod has no twin
    "Volume.ephemeral",  # becomes a claim's name
    "ServiceSpec.selector",  # hashed keys
}


class Field(NamedTuple):
    """One field of a type, and the shape that we give this type."""

    shape: str
    name: str
    holds: str
    """The type of its value in the API; empty for what has no fields of its own."""


def _nested(minor: str) -> dict[str, dict[str, str]]:
    nested: dict[str, dict[str, str]]
    nested = json.loads((DATA / f"fields-{minor}.json").read_text())["nested"]
    return nested


def _walk(minor: str) -> Iterator[Field]:
    """Yield every field that a host object of that version could have."""
    nested = _nested(minor)
    waiting = [(kind, kind) for kind in TABLES if kind in nested]
    seen = set(waiting)
    while waiting:
        kind, shape = waiting.pop()
        for name, holds in nested[kind].items():
            yield Field(shape, name, holds)
            inner = (holds, SHAPES[shape].get(name, ""))
            if all(inner) and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def _verdict(field: Field) -> str:
    """Return what becomes of a field; empty when nobody has thought about it."""
    table = TABLES.get(field.shape)
    if table is None:
        if field.name in SHAPES[field.shape]:
            return "known"
        return "not offered" if field.name in NOT_OFFERED.get(field.shape, ()) else ""
    verdict = table.get(field.name)
    if verdict is None:
        return ""
    seen_into = field.name in SHAPES[field.shape] or f"{field.shape}.{field.name}" in NEVER_THERE
    if verdict in (COPY, MAP) and field.holds and not seen_into:
        return ""
    return verdict.value


@pytest.mark.parametrize("minor", KUBERNETES)
def test_every_field_at_any_depth_has_a_verdict(minor: str) -> None:
    assert not [field for field in _walk(minor) if not _verdict(field)]


def test_the_walk_sees_what_a_pod_is_made_of() -> None:
    """A walk that ends early would find nothing missing."""
    shapes_seen = {field.shape for field in _walk("1.34")}
    assert shapes_seen == SHAPES.keys()


def test_every_shape_is_of_a_type_that_some_version_has() -> None:
    known: dict[str, set[str]] = {}
    for minor in KUBERNETES:
        for field in _walk(minor):
            known.setdefault(field.shape, set()).add(field.name)
    for shape, fields in {**SHAPES, **NOT_OFFERED}.items():
        assert set(fields) <= known[shape], shape


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"securityContext": {"runAsUser": 1}}, None),
        ({"securityContext": {"runAsUser": 1, "futureEscape": True}}, "securityContext.futureEsc"),
        ({"securityContext": {"futureEscape": None}}, None),
        ({"containers": [{"name": "c", "securityContext": {"x": 1}}]}, r"\[0\].securityContext.x"),
        ({"containers": [{"livenessProbe": {"futureDial": {"host": "h"}}}]}, "futureDial"),
        ({"containers": [{"lifecycle": {"preStop": {"dial": {}}}}]}, "preStop.dial"),
        ({"volumes": [{"name": "v", "emptyDir": {"hostDir": "/"}}]}, "hostDir"),
        ({"dnsConfig": {"resolver": "x"}}, "dnsConfig.resolver"),
        ({"affinity": {"nodeAffinity": {"bind": "x"}}}, "nodeAffinity.bind"),
        ({"securityContext": {"supplementalGroups": [1]}}, None),
        ({"containers": [{"resources": {"limits": {"example.com/gpu": "1"}}}]}, None),
    ],
)
def test_field_that_is_not_known_is_refused_wherever_it_stands(
    spec: Obj, named: str | None
) -> None:
    if named is None:
        check(spec, "PodSpec")
    else:
        with pytest.raises(Refused, match=named):
            check(spec, "PodSpec")


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ("ServiceSpec", {"ports": [{"port": 80, "x": 1}]}),
        ("ServiceSpec", {"sessionAffinityConfig": {"clientIP": {"x": 1}}}),
        ("PersistentVolumeClaimSpec", {"dataSourceRef": {"kind": "a", "namespace": "b"}}),
        ("IngressSpec", {"rules": [{"host": "h", "http": {"paths": [{"path": "/", "x": 1}]}}]}),
        ("PodDisruptionBudgetSpec", {"selector": {"matchFields": []}}),
    ],
)
def test_other_kinds_are_seen_into_as_well(shape: str, spec: Obj) -> None:
    with pytest.raises(Refused):
        check(spec, shape)


def test_pod_whose_probe_has_a_field_of_the_future_is_refused() -> None:
    probe = {"httpGet": {"port": 80, "viaHost": "169.254.169.254"}}
    virt = pod(containers=[container(livenessProbe=probe)])
    with pytest.raises(Refused, match="viaHost"):
        pods.to_host(virt, [], "10.96.0.10", SCOPE)


def test_shapes_name_only_shapes() -> None:
    named = {shape for fields in SHAPES.values() for shape in fields.values()} - {""}
    assert named <= SHAPES.keys()
    assert set(nested_fields.JUDGED) <= SHAPES.keys()
