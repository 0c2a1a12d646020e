"""What holds for whatever a tenant writes: properties, over shapes that nobody thought of."""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import identity
from syncer.errors import Refused
from syncer.identity import Identity
from syncer.kube.objects import Key, Obj
from syncer.sync.plan import Nothing, Patch, difference, plan, with_fields
from syncer.translate import (
    configmaps,
    ingresses,
    persistentvolumeclaims,
    pod_references,
    pods,
    secrets,
    services,
)
from tests.unit.build import DNS_IP, SCOPE, pod

IDENT = SCOPE.ident
MARK = "tenants-own"
"""A piece of every key and name of the tenant's here that must not be found raw on the host."""
NAMES = st.text("abx-", min_size=1, max_size=12).map(lambda text: f"n{text}z")
KEYS = st.sampled_from(
    [f"{MARK}/{name}" for name in ("a", "b.c")]
    + [MARK, "app", "owner", "statefulset.kubernetes.io/pod-name", "app.kubernetes.io/name"]
    + [identity.MANAGED_BY, identity.NAMESPACE, identity.UID, identity.TENANT_LABEL + "a"]
)
MAPS = st.dictionaries(KEYS, st.sampled_from(["", "x", "vc", "true"]), max_size=5)
SELECTORS = st.builds(
    lambda labels, keys: {
        "matchLabels": labels,
        "matchExpressions": [{"key": key, "operator": "Exists"} for key in keys],
    },
    MAPS,
    st.lists(KEYS, max_size=2),
)


def _volume(kind: str, name: str) -> Obj:
    kinds: dict[str, Obj] = {
        "configMap": {"configMap": {"name": name}},
        "secret": {"secret": {"secretName": name}},
        "claim": {"persistentVolumeClaim": {"claimName": name}},
        "ephemeral": {"ephemeral": {"volumeClaimTemplate": {}}},
        "emptyDir": {"emptyDir": {}},
        "projected": {
            "projected": {
                "sources": [
                    {"configMap": {"name": name}},
                    {"secret": {"name": name}},
                    {"serviceAccountToken": {"path": "token"}},
                ]
            }
        },
    }
    return kinds[kind]


VOLUMES = st.builds(
    _volume,
    st.sampled_from(["configMap", "secret", "claim", "ephemeral", "emptyDir", "projected"]),
    NAMES,
)
ENVIRONMENT = st.builds(
    lambda kind, name: {
        "name": "V",
        "valueFrom": {
            f"{kind}KeyRef" if kind != "field" else "fieldRef": {"name": name, "key": "k"}
            if kind != "field"
            else {"fieldPath": f"metadata.labels['{MARK}']"}
        },
    },
    st.sampled_from(["configMap", "secret", "field"]),
    NAMES,
)


@st.composite
def virt_pods(draw: st.DrawFn) -> Obj:
    """A pod with references of every kind, labels and selectors."""
    container = {
        "name": "main",
        "image": "busybox:1.36",
        "env": draw(st.lists(ENVIRONMENT, max_size=3)),
        "envFrom": [{"secretRef": {"name": name}} for name in draw(st.lists(NAMES, max_size=2))],
    }
    term: Obj = {"topologyKey": "zone", "labelSelector": draw(SELECTORS)}
    drawn: list[Obj] = draw(st.lists(VOLUMES, max_size=4))
    return pod(
        draw(NAMES),
        draw(NAMES),
        metadata={
            "labels": draw(MAPS),
            "annotations": draw(MAPS),
            "finalizers": [f"{MARK}/f"],
            "ownerReferences": [{"kind": "X", "name": MARK, "uid": "u", "apiVersion": "v1"}],
            "generateName": MARK,
        },
        containers=[container],
        volumes=[{"name": f"v{index}", **each} for index, each in enumerate(drawn)],
        imagePullSecrets=[{"name": name} for name in draw(st.lists(NAMES, max_size=2))],
        affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        topologySpreadConstraints=[{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **term}],
        serviceAccountName=MARK,
        serviceAccount=MARK,
    )


def _host(virt: Obj) -> Obj:
    return pods.to_host(virt, [], DNS_IP, SCOPE)


def _named(host_pod: Obj) -> Iterator[tuple[str, str]]:
    """Yield what a host pod names, found by the API's field names alone."""
    spec = host_pod["spec"]
    for secret in spec.get("imagePullSecrets") or ():
        yield "secrets", secret["name"]
    for found in _dicts(spec.get("volumes")):
        if "secretName" in found:
            yield "secrets", found["secretName"]
        if "claimName" in found:
            yield "persistentvolumeclaims", found["claimName"]
        for field, kind in (("configMap", "configmaps"), ("secret", "secrets")):
            if "name" in (found.get(field) or {}):
                yield kind, found[field]["name"]
    for found in _dicts([spec["containers"], spec.get("initContainers")]):
        for field, kind in (
            ("configMapKeyRef", "configmaps"),
            ("secretKeyRef", "secrets"),
            ("configMapRef", "configmaps"),
            ("secretRef", "secrets"),
        ):
            if field in found:
                yield kind, found[field]["name"]


def _dicts(value: Any) -> Iterator[Obj]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _dicts(each)


@given(virt_pods())
@settings(max_examples=300, deadline=None)
def test_all_that_a_host_pod_names_is_synced_with_it(virt: Obj) -> None:
    """Closure: every reference of the twin is the twin of one that `references` knows (D5)."""
    twins = {(key.kind, IDENT.host_name(key)) for key in pod_references.references(virt)} | {
        ("secrets", pods.token_secret_name(IDENT, virt))
    }
    assert set(_named(_host(virt))) <= twins


@given(virt_pods())
@settings(max_examples=200, deadline=None)
def test_no_string_of_the_tenants_is_a_key_or_a_name_on_the_host(virt: Obj) -> None:
    """Threats C: labels, selectors, annotations, owners, finalizers, accounts."""
    host = _host(virt)
    meta, spec = host["metadata"], host["spec"]
    placing = [meta["labels"], spec["affinity"], spec["topologySpreadConstraints"]]
    assert MARK not in json.dumps([*placing, meta["ownerReferences"], meta["name"]])
    assert MARK not in json.dumps(spec.get("serviceAccountName", ""))
    keys = {key for each in _dicts(placing) for key in each} | set(meta["annotations"])
    ours = (identity.PREFIX, identity.TENANT_LABEL)
    own = {key for key in keys if "/" in key}
    assert all(key.startswith(ours) for key in own)
    assert meta.keys() == {"name", "namespace", "labels", "annotations", "ownerReferences"}
    assert meta["labels"][identity.MANAGED_BY] == IDENT.release
    assert meta["annotations"][identity.UID] == virt["metadata"]["uid"]


@given(virt_pods())
@settings(max_examples=100, deadline=None)
def test_translating_again_says_the_same_and_changes_nothing(virt: Obj) -> None:
    before = copy.deepcopy(virt)
    first = _host(virt)
    assert _host(virt) == first
    assert virt == before


@given(MAPS, MAPS, st.integers(1, 65535))
@settings(max_examples=200, deadline=None)
def test_service_that_the_host_has_as_wanted_is_left_alone(
    labels: dict[str, str], selector: dict[str, str], port: int
) -> None:
    """Idempotence: the plan for what was just made is to do nothing."""
    virt: Obj = {
        "metadata": {"name": "s", "namespace": "n", "uid": "u", "labels": labels},
        "spec": {"ports": [{"port": port}], "selector": selector, "clusterIP": "10.96.0.9"},
    }
    made = with_fields(services.to_host(virt, SCOPE, None))
    assert plan("u", made, services.to_host(virt, SCOPE, made)) == Nothing()
    assert difference(made, made) == {}
    if selector:
        other = {**virt, "spec": {**virt["spec"], "selector": {**selector, "one": "more"}}}
        assert isinstance(plan("u", made, services.to_host(other, SCOPE, made)), Patch)
    raw = set(made["metadata"]["labels"]) | set(made["spec"].get("selector") or ())
    assert not (raw & set(labels)) - {identity.MANAGED_BY, identity.NAMESPACE}


@pytest.mark.parametrize(
    "make",
    [
        lambda meta: secrets.to_host({"metadata": meta, "type": "Opaque"}, SCOPE),
        lambda meta: configmaps.to_host({"metadata": meta}, SCOPE),
        lambda meta: persistentvolumeclaims.to_host({"metadata": meta, "spec": {}}, SCOPE),
        lambda meta: ingresses.to_host({"metadata": meta, "spec": {}}, SCOPE),
    ],
    ids=["secret", "configmap", "claim", "ingress"],
)
@given(MAPS, MAPS)
@settings(max_examples=50, deadline=None)
def test_metadata_of_every_kind_is_ours_alone(
    make: Any, labels: dict[str, str], annotations: dict[str, str]
) -> None:
    meta = {"name": "n", "namespace": "s", "uid": "u", "labels": labels, "annotations": annotations}
    made = make({**meta, "finalizers": ["x/y"], "generateName": "g"})["metadata"]
    assert made.keys() == {"name", "namespace", "labels", "annotations", "ownerReferences"}
    assert all(key.startswith((identity.PREFIX, identity.TENANT_LABEL)) for key in made["labels"])
    assert all(key.startswith(identity.PREFIX) for key in made["annotations"])
    assert made["labels"][identity.MANAGED_BY] == IDENT.release


def test_a_million_pairs_of_names_meet_nowhere() -> None:
    """Threats D1 and D2: by a fixed seed, out of the pieces that collisions are made of.

    1,500 objects of two installations are 1,124,250 pairs.
    """
    rng = random.Random(7)  # noqa: S311 (no secret)
    pieces = ["a", "b", "x", "-", "-x-", "x-", "-x", "0", "kube-system", "web" * 9, "r" * 30]

    def text(most: int) -> str:
        found = "".join(rng.choices(pieces, k=rng.randint(1, 9)))[:most].strip("-")
        return found or "a"

    keys: set[Key] = set()
    while len(keys) < 750:
        keys.add(Key(rng.choice(["pods", "services", "secrets"]), text(63), text(200)))
    installations = [Identity("team", release, release) for release in ("vc", "b-x-vc")]
    places = {
        (ident.release, key): (key.kind, ident.host_name(key))
        for ident, key in itertools.product(installations, keys)
    }
    assert len(set(places.values())) == len(places) == 1500
    assert all(
        re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for _, name in places.values()
    )


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_a_field_that_nobody_knows_never_passes(name: str) -> None:
    virt = pod()
    virt["spec"][f"{name}Future"] = {"x": 1}
    with pytest.raises(Refused):
        _host(virt)
