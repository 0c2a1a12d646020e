"""Claims on their way to the host."""

from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate.persistentvolumeclaims import to_host
from tests.unit.build import SCOPE, claim, host_name


def _spec(**spec: Any) -> Obj:
    made: Obj = to_host(claim(**spec), SCOPE)["spec"]
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
    assert to_host(virt, SCOPE) == to_host(claim(), SCOPE)
