"""What would make an installation fail, found before anything of it is made."""

from __future__ import annotations

from syncer.errors import ApiError, Refused
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import CLAIMS


async def check_default_storage_class(host: Client, host_namespace: str) -> None:
    """Raise Refused when a claim without a class would wait for ever.

    Classes are cluster-scoped and not ours to list; but admission fills the default one into a
    claim that is created, in a dry run too.
    """
    probe: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"generateName": "storage-class-", "namespace": host_namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    try:
        answer = await host.create(CLAIMS, host_namespace, probe, dry_run=True)
    except ApiError as error:
        raise Refused("NoStorage", f"a claim is not accepted: {error.message}") from error
    if not answer["spec"].get("storageClassName"):
        raise Refused(
            "NoStorageClass",
            "the host has no default StorageClass: name one as storage.className, or set"
            " storage.persistence=false to keep the data in the pod only",
        )
