"""ConfigMaps, Secrets and claims on their way to the host."""

from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from syncer.translate.storage import claim_to_host, configmap_to_host, secret_to_host
from tests.unit.build import IDENT, SCOPE, claim, configmap, host_name, secret


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}),
        ({"data": None, "binaryData": {"b": "MQ=="}}, {"binaryData": {"b": "MQ=="}}),
        ({"data": {}}, {}),
        ({"immutable": True}, {"data": {"key": "value"}}),  # the tenant may delete and re-create
    ],
)
def test_configmap(fields: Obj, expected: Obj) -> None:
    made = configmap_to_host(configmap(**fields), SCOPE)
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": IDENT.metadata(Key("configmaps", "default", "conf"), configmap()),
        **expected,
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Opaque", "Opaque"),
        ("kubernetes.io/tls", "kubernetes.io/tls"),
        ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockerconfigjson"),
        ("kubernetes.io/service-account-token", "Opaque"),
        ("bootstrap.kubernetes.io/token", "Opaque"),
        ("helm.sh/release.v1", "Opaque"),
        ("tenant/own", "tenant/own"),
    ],
)
def test_secret_of_a_type_that_a_host_controller_acts_on_becomes_plain(
    kind: str, expected: str
) -> None:
    """Threats B3."""
    account = {"kubernetes.io/service-account.name": "vc-syncer"}
    virt = secret(type=kind, metadata={"annotations": account}, immutable=True)
    made = secret_to_host(virt, SCOPE)
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": IDENT.metadata(Key("secrets", "default", "cred"), secret()),
        "type": expected,
        "data": {"key": "dmFsdWU="},
    }


def test_secret_that_poses_as_a_helm_release_is_no_longer_one() -> None:
    """Threats C6: Helm finds its history by labels."""
    labels = {"owner": "helm", "name": "vc", "status": "deployed", "version": "99"}
    made = secret_to_host(secret(metadata={"labels": labels}), SCOPE)
    assert not made["metadata"]["labels"].keys() & labels.keys()


def _spec(**spec: Any) -> Obj:
    made: Obj = claim_to_host(claim(**spec), SCOPE)["spec"]
    return made


BASE = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {}),
        ({"storageClassName": "fast"}, {"storageClassName": "fast"}),
        ({"storageClassName": ""}, {"storageClassName": ""}),
        ({"volumeMode": "Block"}, {"volumeMode": "Block"}),
        ({"volumeName": "pv-of-somebody"}, {}),  # F2
        ({"selector": {"matchLabels": {"a": "b"}}}, {}),
        (
            {"dataSource": {"kind": "PersistentVolumeClaim", "name": "old"}},
            {
                "dataSource": {
                    "kind": "PersistentVolumeClaim",
                    "name": host_name("persistentvolumeclaims", "old"),
                }
            },
        ),
        (
            {
                "dataSourceRef": {
                    "kind": "PersistentVolumeClaim",
                    "name": "old",
                    "namespace": "default",
                    "apiGroup": "",
                }
            },
            {
                "dataSourceRef": {
                    "kind": "PersistentVolumeClaim",
                    "name": host_name("persistentvolumeclaims", "old"),
                }
            },
        ),
    ],
)
def test_claim(spec: Obj, expected: Obj) -> None:
    assert _spec(**spec) == {**BASE, **expected}


@pytest.mark.parametrize("field", ["dataSource", "dataSourceRef"])
@pytest.mark.parametrize(
    "source",
    [
        {"kind": "VolumeSnapshot", "apiGroup": "snapshot.storage.k8s.io", "name": "s"},
        {"kind": "PersistentVolumeClaim", "name": "c", "namespace": "other"},
        {"kind": "PersistentVolumeClaim", "name": "c", "apiGroup": "populator.example"},
        {"kind": "Populator", "name": "p"},
    ],
)
def test_claim_from_anything_but_an_own_claim_is_refused(field: str, source: Obj) -> None:
    """Threats F3, D6."""
    with pytest.raises(Refused, match="dataSource"):
        _spec(**{field: source})


@pytest.mark.parametrize("field", ["volumeAttributesClassName", "fieldOfTheFuture"])
def test_claim_with_a_field_that_is_not_offered_is_refused(field: str) -> None:
    """Threats F4."""
    with pytest.raises(Refused, match=field):
        _spec(**{field: "x"})


def test_claims_annotations_stay_behind() -> None:
    """Threats F5."""
    annotations = {
        "volume.kubernetes.io/selected-node": "node-9",
        "pv.kubernetes.io/bind-completed": "yes",
        "volume.beta.kubernetes.io/storage-class": "fast",
    }
    virt = claim(metadata={"annotations": annotations, "finalizers": ["kubernetes.io/pvc"]})
    assert claim_to_host(virt, SCOPE) == claim_to_host(claim(), SCOPE)
