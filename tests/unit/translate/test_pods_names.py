"""Every name in a host pod is mapped, whatever the tenant writes."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from syncer.translate.pod_references import references
from syncer.translate.pods import to_host, token_secret_name
from tests.unit.build import DNS_IP, IDENT, SCOPE, container, host_name, pod

RAW = "somebodys-x-default-x-other"
TOKEN = {"serviceAccountToken": {"path": "token"}}


def _spec(**spec: Any) -> Obj:
    made: Obj = to_host(pod(**spec), [], DNS_IP, SCOPE)["spec"]
    return made


EVERYWHERE = pod(
    containers=[
        container(
            env=[
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": RAW, "key": "k"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": RAW, "key": "k"}}},
            ],
            envFrom=[{"secretRef": {"name": RAW}}, {"configMapRef": {"name": RAW}}],
        )
    ],
    initContainers=[container(name="init", envFrom=[{"secretRef": {"name": RAW}}])],
    volumes=[
        {"name": "a", "secret": {"secretName": RAW}},
        {"name": "b", "configMap": {"name": RAW}},
        {"name": "c", "persistentVolumeClaim": {"claimName": RAW}},
        {
            "name": "kube-api-access-x",
            "projected": {"sources": [{"secret": {"name": RAW}}, {"configMap": {"name": RAW}}]},
        },
    ],
    imagePullSecrets=[{"name": RAW}],
)


def test_raw_host_name_stands_in_no_reference_of_the_host_pod() -> None:
    """Threats D5, B6."""
    made = to_host(EVERYWHERE, [], DNS_IP, SCOPE)
    assert RAW not in _strings(made)
    mapped = {host_name(kind, RAW) for kind in ("secrets", "configmaps", "persistentvolumeclaims")}
    assert mapped <= _strings(made)


def test_references_are_all_that_the_pod_names() -> None:
    found = references(EVERYWHERE)
    kinds = ("secrets", "configmaps", "persistentvolumeclaims")
    assert found == {Key(kind, "default", RAW) for kind in kinds}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, set()),
        ({"imagePullSecrets": [{}]}, set()),
        (
            {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}]},
            {Key("persistentvolumeclaims", "default", "web-v")},
        ),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s", "optional": True}}]},
            {Key("secrets", "default", "s")},
        ),
        (
            {"ephemeralContainers": [container(envFrom=[{"configMapRef": {"name": "c"}}])]},
            {Key("configmaps", "default", "c")},
        ),
        (
            {
                "ephemeralContainers": [container(fieldOfTheFuture=1)],
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
            },
            {Key("secrets", "default", "s")},
        ),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [TOKEN]}}]},
            set(),
        ),
    ],
)
def test_references(spec: Obj, expected: set[Key]) -> None:
    assert references(pod(**spec)) == expected


def test_pull_secret_without_a_name_which_the_api_allows_is_no_crash() -> None:
    made = _spec(imagePullSecrets=[{}, {"name": "s"}])
    assert made["imagePullSecrets"] == [{"name": host_name("secrets", "s")}]


def test_tokens_come_from_the_pods_own_secret() -> None:
    """Threats B2: no host pod ever holds a source of the host's tokens."""
    made = _spec(volumes=[{"name": "api", "projected": {"sources": [TOKEN, TOKEN]}}])
    name = token_secret_name(IDENT, pod())
    assert [each["secret"]["name"] for each in made["volumes"][0]["projected"]["sources"]] == [
        name,
        name,
    ]
    assert "serviceAccountToken" not in str(made["volumes"])


def test_source_stays_as_it_was() -> None:
    virt = copy.deepcopy(EVERYWHERE)
    to_host(virt, [], DNS_IP, SCOPE)
    assert virt == EVERYWHERE


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for each in value.values() for text in _strings(each)}
    if isinstance(value, list):
        return {text for each in value for text in _strings(each)}
    return {value} if isinstance(value, str) else set()


# --- closure: whatever a tenant writes, every name in the host pod is mapped

NAMES = st.sampled_from([RAW, "s", "web-x-default-x-vc", "vc-anchor", "vc-vc"])
REF = st.builds(lambda name: {"name": name}, NAMES)
KEY_REF = st.builds(lambda name: {"name": name, "key": "k"}, NAMES)
VALUE_FROM = st.one_of(
    st.builds(lambda ref: {"configMapKeyRef": ref}, KEY_REF),
    st.builds(lambda ref: {"secretKeyRef": ref}, KEY_REF),
    st.just({"fieldRef": {"fieldPath": "metadata.name"}}),
)
ENV = st.builds(lambda source: {"name": "V", "valueFrom": source}, VALUE_FROM)
ENV_FROM = st.one_of(
    st.builds(lambda ref: {"configMapRef": ref}, REF),
    st.builds(lambda ref: {"secretRef": ref}, REF),
)
SOURCES = st.one_of(
    st.builds(lambda ref: {"secret": ref}, REF),
    st.builds(lambda ref: {"configMap": ref}, REF),
    st.just({"serviceAccountToken": {"path": "t", "audience": "sts"}}),
    st.just({"downwardAPI": {"items": []}}),
)
VOLUMES = st.one_of(
    st.builds(lambda name: {"secret": {"secretName": name}}, NAMES),
    st.builds(lambda name: {"configMap": {"name": name}}, NAMES),
    st.builds(lambda name: {"persistentVolumeClaim": {"claimName": name}}, NAMES),
    st.builds(lambda sources: {"projected": {"sources": sources}}, st.lists(SOURCES, max_size=3)),
    st.just({"ephemeral": {}}),
    st.just({"hostPath": {"path": "/"}}),
)
CONTAINERS = st.builds(
    lambda env, env_from: container(env=env, envFrom=env_from),
    st.lists(ENV, max_size=3),
    st.lists(ENV_FROM, max_size=3),
)
SPECS = st.builds(
    lambda first, init, found, secrets: {
        "containers": [first],
        "initContainers": init,
        "volumes": [{"name": f"v{at}", **each} for at, each in enumerate(found)],
        "imagePullSecrets": secrets,
    },
    CONTAINERS,
    st.lists(CONTAINERS, max_size=2),
    st.lists(VOLUMES, max_size=4),
    st.lists(REF, max_size=2),
)


@given(SPECS)
def test_every_name_in_a_host_pod_is_mapped(spec: Obj) -> None:
    virt = pod(**spec)
    before = orjson.dumps(virt)
    try:
        made = to_host(virt, [], DNS_IP, SCOPE)["spec"]
    except Refused:
        assert b"hostPath" in before
        return
    mapped = {IDENT.host_name(key) for key in references(virt)}
    mapped.add(token_secret_name(IDENT, virt))
    assert set(_names(made)) <= mapped
    assert b'serviceAccountToken"' not in orjson.dumps(made)
    assert orjson.dumps(virt) == before


def _names(value: Any, field: str = "") -> list[str]:
    """Return every name by which a pod spec refers to another object."""
    if isinstance(value, list):
        return [name for each in value for name in _names(each, field)]
    if not isinstance(value, dict):
        return []
    refers = ("secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef", "secret", "configMap")
    found = [value[key] for key in ("secretName", "claimName") if key in value]
    if field in (*refers, "imagePullSecrets") and "name" in value:
        found.append(value["name"])
    return found + [name for key, each in value.items() for name in _names(each, key)]
