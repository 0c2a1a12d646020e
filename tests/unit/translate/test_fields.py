"""Every field of the specs that reach the host has a verdict, and verdicts do what they say.

The names are those of Kubernetes 1.34 (tools/kubernetes_fixtures.py); test_nested_fields.py
walks through those of all versions: a new minor's fixture fails there for every field that nobody
has thought about.
"""

import json
from pathlib import Path

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import containers, scheduling, status, volumes
from syncer.translate.containers import CONTAINER
from syncer.translate.fields import COPY, DROP, MAP, REFUSE, Verdict, apply
from syncer.translate.ingresses import INGRESS_SPEC
from syncer.translate.persistentvolumeclaims import CLAIM_SPEC
from syncer.translate.poddisruptionbudgets import BUDGET_SPEC
from syncer.translate.pods import POD_SPEC
from syncer.translate.services import SERVICE_SPEC
from syncer.translate.volumes import VOLUME
from tests.unit.build import container, pod

UPSTREAM = json.loads((Path(__file__).parents[1] / "data" / "fields-1.34.json").read_text())
TYPES: dict[str, list[str]] = UPSTREAM["types"]
TABLES = {
    "PodSpec": POD_SPEC,
    "Container": CONTAINER,
    "Volume": VOLUME,
    "ServiceSpec": SERVICE_SPEC,
    "PersistentVolumeClaimSpec": CLAIM_SPEC,
    "IngressSpec": INGRESS_SPEC,
    "PodDisruptionBudgetSpec": BUDGET_SPEC,
}
# Known to other minors than 1.34.
ELSEWHERE = {
    *("topologyKeys", "backend", "workloadRef", "ipFamily", "schedulingGroup"),
    "evictionResponders",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_field_has_a_verdict_and_every_verdict_a_field(name: str) -> None:
    assert sorted(set(TYPES[name]) - TABLES[name].keys()) == []
    assert sorted(TABLES[name].keys() - set(TYPES[name]) - ELSEWHERE) == []


def test_ephemeral_container_is_a_container_with_a_target() -> None:
    assert set(TYPES["EphemeralContainer"]) - CONTAINER.keys() == {"targetContainerName"}


def test_probes_and_hooks_are_the_only_places_that_name_a_network_host() -> None:
    assert UPSTREAM["name_a_host"] == ["HTTPGetAction", "TCPSocketAction"]


TABLE: dict[str, Verdict] = {"copied": COPY, "mapped": MAP, "dropped": DROP, "refused": REFUSE}


@pytest.mark.parametrize(
    ("source", "mapped", "result"),
    [
        ({}, {}, {}),
        ({"copied": 0}, {}, {"copied": 0}),
        ({"copied": {"a": [1]}}, {}, {"copied": {"a": [1]}}),
        ({"mapped": "raw"}, {}, {}),
        ({"mapped": "raw"}, {"mapped": "made"}, {"mapped": "made"}),
        ({}, {"mapped": "made"}, {"mapped": "made"}),
        ({"mapped": "raw"}, {"mapped": None}, {}),
        ({}, {"mapped": False}, {"mapped": False}),
        ({"dropped": "x"}, {}, {}),
        ({"refused": None}, {}, {}),
        ({"refused": False}, {}, {}),
        ({"refused": ""}, {}, {}),
        ({"refused": []}, {}, {}),
        ({"unknown": None}, {}, {}),
    ],
)
def test_verdict(source: Obj, mapped: Obj, result: Obj) -> None:
    assert apply(TABLE, source, mapped, where="spec") == result


@pytest.mark.parametrize("field", ["refused", "unknown"])
@pytest.mark.parametrize("value", [True, 0, 1, "x", [1], {"a": 1}, {}])
def test_set_field_that_is_refused_or_unknown_is_named(field: str, value: object) -> None:
    """An empty object is set: `gitRepo: {}` is a git repository."""
    with pytest.raises(Refused, match=rf"spec\.{field} "):
        apply(TABLE, {field: value}, {}, where="spec")


@pytest.mark.parametrize("field", [name for name, verdict in VOLUME.items() if verdict is REFUSE])
@pytest.mark.parametrize("source", [{}, {"path": "/"}])
def test_volume_that_leaves_the_namespace_is_refused(field: str, source: Obj) -> None:
    """Threats A1, A4, A5."""
    with pytest.raises(Refused, match=field):
        volumes.to_host(pod(), {"name": "v", field: source}, "tokens", _keep)


@pytest.mark.parametrize("field", [name for name, verdict in POD_SPEC.items() if verdict is REFUSE])
def test_refused_pod_field_is_refused(field: str) -> None:
    """Threats A8, A12."""
    with pytest.raises(Refused, match=field):
        apply(POD_SPEC, {field: "x"}, {}, where="spec")


def _keep(_kind: str, name: str) -> str:
    return name


@pytest.mark.parametrize("field", [*TYPES["EnvVarSource"], "ofTheFuture"])
def test_source_of_a_variable_is_known_or_refused(field: str) -> None:
    known = {
        "configMapKeyRef": {"name": "n", "key": "k"},
        "secretKeyRef": {"name": "n", "key": "k"},
        "fieldRef": {"fieldPath": "metadata.name"},
        "resourceFieldRef": {"resource": "limits.cpu"},
    }
    source = container(env=[{"name": "V", "valueFrom": {field: known.get(field, {})}}])
    if field in known:
        assert containers.to_host(pod(), source, [], _keep)["env"][0]["name"] == "V"
    else:
        with pytest.raises(Refused, match=field):
            containers.to_host(pod(), source, [], _keep)


@pytest.mark.parametrize("field", [*TYPES["EnvFromSource"], "ofTheFuture"])
def test_source_of_an_environment_is_known_or_refused(field: str) -> None:
    value: object = "P_" if field == "prefix" else {"name": "n"}
    source = container(envFrom=[{field: value}])
    if field == "ofTheFuture":
        with pytest.raises(Refused, match=field):
            containers.to_host(pod(), source, [], _keep)
    else:
        assert containers.to_host(pod(), source, [], _keep)["envFrom"] == [{field: value}]


@pytest.mark.parametrize("field", [*TYPES["VolumeProjection"], "ofTheFuture"])
def test_projected_source_is_known_or_refused(field: str) -> None:
    """Threats B2."""
    known: dict[str, Obj] = {
        "configMap": {"name": "n"},
        "secret": {"name": "n"},
        "downwardAPI": {"items": []},
        "serviceAccountToken": {"path": "token"},
    }
    volume = {"name": "v", "projected": {"sources": [{field: known.get(field, {})}]}}
    if field in known:
        assert volumes.to_host(pod(), volume, "tokens", _keep)["name"] == "v"
    else:
        with pytest.raises(Refused, match=field):
            volumes.to_host(pod(), volume, "tokens", _keep)


@pytest.mark.parametrize("field", [*TYPES["Affinity"], "ofTheFuture"])
def test_affinity_is_known_or_refused(field: str) -> None:
    virt = pod(affinity={field: {"x": 1}})
    if field == "ofTheFuture":
        with pytest.raises(Refused, match=field):
            scheduling.affinity(virt, "vc")
    else:
        scheduling.affinity(virt, "vc")


@pytest.mark.parametrize("field", [*TYPES["PodAffinityTerm"], "ofTheFuture"])
def test_term_of_a_pod_affinity_is_known_or_refused(field: str) -> None:
    value: dict[str, object] = {"labelSelector": {}, "topologyKey": "zone", "namespaceSelector": {}}
    term = {"topologyKey": "zone", field: value.get(field, ["x"])}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    virt = pod(affinity={"podAffinity": required})
    if field == "ofTheFuture":
        with pytest.raises(Refused, match=field):
            scheduling.affinity(virt, "vc")
    else:
        scheduling.affinity(virt, "vc")


def test_every_field_of_a_pods_status_is_brought_up_or_named_here() -> None:
    theirs = {
        "allocatedResources",  # of the node, and the virtual API server works them out
        "extendedResourceClaimStatus",
        "nominatedNodeName",  # the host scheduler's
        "observedGeneration",  # counts the host pod's changes
        "qosClass",  # immutable, derived from the virtual spec
        "resize",
        "resourceClaimStatuses",
        "resources",
    }
    assert set(TYPES["PodStatus"]) - set(status.POD_STATUS) == theirs & set(TYPES["PodStatus"])
