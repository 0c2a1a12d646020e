"""What a backup is to the command line: a whole file, and a virtual cluster that it fits."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from virtualcluster_cli.api import Obj
from virtualcluster_cli.errors import NotFound, Trouble
from virtualcluster_cli.installations import K3S, SYNCER, Installation
from virtualcluster_cli.shared.archive import Damaged, Manifest, Reader

LONGEST = 4 * 3600  # seconds that the pod of an abandoned restore lives
WAIT = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); signal.pause()"


def read(file: Path) -> Manifest:
    """Return the manifest of a backup that was checked from its first byte to its last."""
    try:
        with file.open("rb") as stream:
            return Reader(stream).check()
    except FileNotFoundError:
        raise NotFound(f"no such file: {file}", "correct the path") from None
    except OSError as error:
        raise Trouble(f"{file} cannot be read ({error.strerror})", "correct that") from None
    except Damaged as error:
        raise Trouble(f"{file} is not a usable backup: {error}", "use another backup") from None


def private(file: Path) -> Any:
    """Open a new file that nobody else can read: it will hold every Secret of a cluster."""
    try:
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise Trouble(f"{file} exists already", "pass another file with -o, or remove it") from None
    except OSError as error:
        raise Trouble(
            f"{file} cannot be written ({error.strerror})", "pass another file with -o"
        ) from None


def check_datastore(which: Installation) -> None:
    """Raise Trouble when the state is not in a file of the virtual cluster's own."""
    arguments, variables = set(), set()
    for container in which.statefulset["spec"]["template"]["spec"]["containers"]:
        if container["name"] == K3S:
            arguments |= {each.partition("=")[0] for each in container.get("args") or ()}
            variables |= {each["name"] for each in container.get("env") or ()}
    if "--cluster-init" in arguments:
        raise Trouble(
            f"{which.name!r} keeps its state in the etcd of k3s, which has snapshots of its own",
            f"kubectl exec {which.name}-0 -n {which.namespace} -c {K3S} -- k3s etcd-snapshot save",
        )
    if "--datastore-endpoint" in arguments or "K3S_DATASTORE_ENDPOINT" in variables:
        raise Trouble(
            f"{which.name!r} keeps its state in an external datastore (--datastore-endpoint)",
            "back up that datastore: etcdctl snapshot save, pg_dump, mysqldump",
        )


def check_fits(saved: Manifest, which: Installation) -> None:
    """Raise Trouble when a virtual cluster cannot run on that state."""
    check_datastore(which)
    if not which.keeps_data:
        raise Trouble(
            f"{which.name!r} keeps its data in its pod (storage.persistence=false), which begins"
            " anew with each",
            "restore into a virtual cluster with storage.persistence",
        )
    directory = which.syncer_flag("--k3s-data-dir") or "/data"
    if saved.data_dir != directory:
        raise Trouble(
            f"the backup's --data-dir is {saved.data_dir}, that of {which.name!r} is {directory}",
            f"set --data-dir={saved.data_dir} in virtualCluster.extraArgs",
        )
    before, after = _minor(saved.k3s_version), _minor(which.k3s_version)
    if before and after and not 0 <= after[1] - before[1] <= 1:
        raise Trouble(
            f"the backup is of k3s {saved.k3s_version}, and {which.name!r} runs"
            f" {which.k3s_version}: k3s goes up one minor version at a time and never back",
            f"make it one with --kubernetes {before[0]}.{before[1]}",
        )


def _minor(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def claim_of(which: Installation) -> str:
    """Return the name of the claim that has the state."""
    for each in which.statefulset["spec"]["template"]["spec"].get("volumes") or ():
        if each["name"] == "data":
            return str((each.get("persistentVolumeClaim") or {}).get("claimName", ""))
    return ""


def pod_name(which: Installation) -> str:
    """Return the name of the pod that has the volume while a backup is put in place."""
    return f"{which.name}-restore"


def pod(which: Installation, owner: Obj) -> Obj:
    """Return that pod: where the control plane may run, as who it runs, and with no rights.

    `owner` is the anchor, so that `helm delete` removes what an abandoned restore left.
    """
    template = which.statefulset["spec"]["template"]
    spec = template["spec"]
    syncer = next(each for each in spec["containers"] if each["name"] == SYNCER)
    taken = ("securityContext", "imagePullSecrets", "nodeSelector", "tolerations", "affinity")
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"]}
    directory = which.syncer_flag("--k3s-data-dir") or "/data"
    container = {
        **{
            k: syncer[k]
            for k in ("image", "imagePullPolicy", "resources", "securityContext")
            if k in syncer
        },
        "name": "restore",
        "command": ["python3", "-c", WAIT],
        "volumeMounts": [{"name": "data", "mountPath": directory}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(which),
            "namespace": which.namespace,
            # Not the control plane's component: no Service may lead here.
            "labels": {
                "app.kubernetes.io/name": "virtualcluster",
                "app.kubernetes.io/instance": which.name,
                "app.kubernetes.io/component": "restore",
            },
            "annotations": template.get("metadata", {}).get("annotations") or {},
            "ownerReferences": [{**owned, "uid": owner["metadata"]["uid"]}],
        },
        "spec": {
            **{field: spec[field] for field in (*taken, "priorityClassName") if field in spec},
            "serviceAccountName": f"{which.name}-workload",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": LONGEST,
            "terminationGracePeriodSeconds": 5,
            "containers": [container],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": claim_of(which)}},
            ],
        },
    }
