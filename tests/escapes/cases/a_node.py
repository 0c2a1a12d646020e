"""Rows A: a pod reaches the node or the scheduler."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import container, init, pod, sidecar, template, volume
from tests.escapes.case import Case, Check, Seen, Step, refused, stripped

HOST_PATH = volume({"hostPath": {"path": "/"}})
EMPTY = volume({"emptyDir": {}})

PODS: dict[str, tuple[Obj, Obj]] = {
    "A1-hostpath": (HOST_PATH, EMPTY),
    "A1-hostpath-socket": (
        volume({"hostPath": {"path": "/run/containerd/containerd.sock"}}),
        EMPTY,
    ),
    "A2-hostnetwork": ({"hostNetwork": True}, {"hostNetwork": False}),
    "A2-hostpid": ({"hostPID": True}, {"hostPID": False}),
    "A2-hostipc": ({"hostIPC": True}, {"hostIPC": False}),
    "A2-sysctl": (
        {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}},
        {"securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}]}},
    ),
    "A2-pod-seccomp": (
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
    ),
    "A2-pod-apparmor": (
        {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
        {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}},
    ),
    "A2-pod-selinux": (
        {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}},
        {"securityContext": {"seLinuxOptions": {"level": "s0:c1,c2"}}},
    ),
    "A2-hostprocess": (
        {
            "hostNetwork": True,
            "os": {"name": "windows"},
            "securityContext": {"windowsOptions": {"hostProcess": True}},
        },
        {"os": {"name": "linux"}},
    ),
    "A12-runtimeclass": ({"runtimeClassName": "unconfined"}, {}),
}

CONTAINERS: dict[str, tuple[Obj, Obj]] = {
    "A2-privileged": (
        {"securityContext": {"privileged": True}},
        {"securityContext": {"privileged": False}},
    ),
    **{
        f"A2-cap-{name.lower().replace('_', '-')}": (
            {"securityContext": {"capabilities": {"add": [name]}}},
            {"securityContext": {"capabilities": {"add": ["CHOWN"], "drop": [name]}}},
        )
        for name in ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "ALL")
    },
    "A2-hostport": (
        {"ports": [{"containerPort": 80, "hostPort": 31999}]},
        {"ports": [{"containerPort": 80}]},
    ),
    "A2-seccomp": (
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
    ),
    "A2-apparmor": (
        {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
        {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}},
    ),
    "A2-selinux": (
        {"securityContext": {"seLinuxOptions": {"user": "system_u", "role": "system_r"}}},
        {"securityContext": {"seLinuxOptions": {"level": "s0:c1,c2"}}},
    ),
}


def _at(path: tuple[str, ...], value: Obj) -> Obj:
    for name in reversed(path):
        value = {name: value}
    return value


PROBES: dict[str, tuple[Obj, Obj]] = {
    f"A3-{name}-{action.lower()}": (
        _at(path, {action: {"port": 80, "host": host}}),
        _at(path, {action: {"port": 80}}),
    )
    for name, path, host in (
        ("liveness", ("livenessProbe",), "169.254.169.254"),
        ("readiness", ("readinessProbe",), "127.0.0.1"),
        ("startup", ("startupProbe",), "10.96.0.1"),
        ("poststart", ("lifecycle", "postStart"), "169.254.169.254"),
        ("prestop", ("lifecycle", "preStop"), "localhost"),
    )
    for action in ("httpGet", "tcpSocket")
}
VOLUMES: dict[str, Obj] = {
    "A4-gitrepo": {"gitRepo": {"repository": "https://example.com/x.git"}},
    "A5-nfs": {"nfs": {"server": "10.0.0.1", "path": "/"}},
    "A5-iscsi": {
        "iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2001-04.com.example:a", "lun": 0}
    },
    "A5-rbd": {"rbd": {"monitors": ["10.0.0.1:6789"], "image": "i"}},
    "A5-cephfs": {"cephfs": {"monitors": ["10.0.0.1:6789"]}},
    "A5-glusterfs": {"glusterfs": {"endpoints": "e", "path": "p"}},
    "A5-flexvolume": {"flexVolume": {"driver": "example.com/d"}},
    "A5-azurefile": {"azureFile": {"secretName": "@rel-token", "shareName": "s"}},
    "A5-azuredisk": {"azureDisk": {"diskName": "d", "diskURI": "https://example.com/d.vhd"}},
    "A5-csi": {"csi": {"driver": "secrets-store.csi.k8s.io"}},
    "A5-csi-secret": {
        "csi": {"driver": "d.example.com", "nodePublishSecretRef": {"name": "@rel-token"}}
    },
    "A5-image": {"image": {"reference": "registry.example.com/private:1"}},
    "A5-aws": {"awsElasticBlockStore": {"volumeID": "vol-1"}},
    "A5-gce": {"gcePersistentDisk": {"pdName": "d"}},
    "A5-cinder": {"cinder": {"volumeID": "v"}},
    "A5-fc": {"fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0}},
    "A5-portworx": {"portworxVolume": {"volumeID": "v"}},
    "A5-quobyte": {"quobyte": {"registry": "10.0.0.1:7861", "volume": "v"}},
    "A5-scaleio": {
        "scaleIO": {
            "gateway": "https://g",
            "system": "s",
            "secretRef": {"name": "x"},
            "volumeName": "v",
        }
    },
    "A5-storageos": {"storageos": {"volumeName": "v"}},
    "A5-vsphere": {"vsphereVolume": {"volumePath": "[ds] v"}},
    "A5-flocker": {"flocker": {"datasetName": "d"}},
    "A5-photon": {"photonPersistentDisk": {"pdID": "p"}},
}
KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "Job")
CLAIMS: Obj = {"resourceClaims": [{"name": "gpu", "resourceClaimName": "admin"}]}
EVERYTHING: Obj = {"operator": "Exists"}
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CONTROL_PLANE_NODES: Obj = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": CONTROL_PLANE["key"], "operator": "Exists"}]}
        ]
    }
}
HARMLESS = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}


def _tolerates(seen: Seen, key: str) -> bool:
    return any(each.get("key", "") == key for each in seen.spec.get("tolerations") or ())


def _tolerates_no(key: str) -> Check:
    return lambda seen: not _tolerates(seen, key)


def _debug(**more: object) -> Obj:
    return {"spec": {"ephemeralContainers": [container(**{"name": "debug", **more})]}}


def _no_debugger(seen: Seen) -> bool:
    return not seen.spec.get("ephemeralContainers")


def _required(seen: Seen) -> Obj:
    found: Obj = seen.spec["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    return found


EPHEMERAL: dict[str, Obj] = {
    "A6-privileged": {"securityContext": {"privileged": True}},
    "A6-cap": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}},
    "A6-seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "A6-procmount": {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}},
}


def _main(fields: Obj) -> Obj:
    return pod(**fields)


def _init(fields: Obj) -> Obj:
    return pod(init(**fields))


CASES: list[Case] = [
    *(refused(name, "a pod with it", pod(bad), pod(good)) for name, (bad, good) in PODS.items()),
    *(
        refused(
            f"A1-hostpath-{kind.lower()}",
            f"by a {kind}",
            template(kind, HOST_PATH),
            template(kind, EMPTY),
        )
        for kind in KINDS
    ),
    refused(
        "A2-privileged-deployment",
        "by a Deployment",
        template("Deployment", {"containers": [container(securityContext={"privileged": True})]}),
        template("Deployment", {}),
    ),
    *(
        refused(f"{name}{suffix}", f"in {where}", place(bad), place(good))
        for name, (bad, good) in CONTAINERS.items()
        for suffix, where, place in (
            ("", "a container", _main),
            ("-init", "an init container", _init),
        )
    ),
    refused(
        "A2-privileged-sidecar",
        "in a sidecar",
        pod(sidecar(securityContext={"privileged": True})),
        pod(sidecar(securityContext={"privileged": False})),
    ),
    refused(
        "A2-procmount",
        "an unmasked /proc",
        pod({"hostUsers": False}, securityContext={"procMount": "Unmasked"}),
        pod({"hostUsers": False}, securityContext={"procMount": "Default"}),
    ),
    *(
        refused(name, "a host in it", pod(**bad), pod(**good))
        for name, (bad, good) in PROBES.items()
    ),
    *(
        refused(f"{name}-sidecar", "in a sidecar", pod(sidecar(**bad)), pod(sidecar(**good)))
        for name, (bad, good) in PROBES.items()
        if "httpget" in name
    ),
    *(
        refused(name, "such a volume", pod(volume(bad)), pod(EMPTY))
        for name, bad in VOLUMES.items()
    ),
    *(
        stripped(
            name,
            "added to a running pod",
            pod(),
            _no_debugger,
            then=(Step(_debug(**bad), "ephemeralcontainers"),),
            allowed=pod(),
            allowed_then=(Step(_debug(), "ephemeralcontainers"),),
            shows=lambda seen: bool(seen.spec.get("ephemeralContainers")),
        )
        for name, bad in EPHEMERAL.items()
    ),
    stripped(
        "A6-secret-env",
        "a debugger that reads a host Secret by its name",
        pod(),
        lambda seen: f'"{seen.facts["rel"]}-token"' not in seen.text(),
        then=(
            Step(
                _debug(
                    env=[
                        {
                            "name": "S",
                            "valueFrom": {"secretKeyRef": {"name": "@rel-token", "key": "token"}},
                        }
                    ]
                ),
                "ephemeralcontainers",
            ),
        ),
        allowed=pod(),
    ),
    stripped(
        "A7-toleration-later",
        "a toleration added to a pod that is there",
        pod(),
        lambda seen: not _tolerates(seen, CONTROL_PLANE["key"]),
        then=(Step({"spec": {"tolerations": [{**CONTROL_PLANE, "operator": "Exists"}]}}),),
        allowed=pod(),
        allowed_then=(Step({"spec": {"activeDeadlineSeconds": 3600}}),),
        shows=lambda seen: seen.spec.get("activeDeadlineSeconds") == 3600,
    ),
    stripped(
        "A7-label-later",
        "a label of the chart's added to a pod that is there",
        pod(),
        lambda seen: seen.meta["labels"].get("app.kubernetes.io/instance") is None,
        then=(Step({"metadata": {"labels": {"app.kubernetes.io/instance": "@rel"}}}),),
        allowed=pod(),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
        shows=lambda seen: "later" in seen.meta["labels"].values(),
    ),
    stripped(
        "A7-annotation-later",
        "an annotation added to a pod that is there",
        pod(),
        lambda seen: "k8s.v1.cni.cncf.io/networks" not in seen.meta["annotations"],
        then=(Step({"metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": "host-net"}}}),),
        allowed=pod(),
    ),
    refused("A8-resourceclaims", "a device for an administrator", pod(CLAIMS), pod()),
    refused(
        "A8-hostnameoverride",
        "a field of an alpha feature",
        pod({"hostnameOverride": "node-1"}),
        pod(),
    ),
    refused(
        "A8-filekeyref",
        "a source of variables that nobody knows yet",
        pod(
            EMPTY,
            env=[
                {
                    "name": "F",
                    "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "f", "key": "K"}},
                }
            ],
        ),
        pod(EMPTY, env=[{"name": "F", "value": "v"}]),
    ),
    stripped(
        "A9-nodename",
        "names its node",
        pod({"nodeName": "@node"}),
        lambda seen: "nodeName" not in seen.spec and "metadata.name" in str(_required(seen)),
        allowed=pod(),
    ),
    stripped(
        "A9-nodename-deployment",
        "names its node, in a template",
        template("Deployment", {"nodeName": "@node"}),
        lambda seen: "nodeName" not in seen.spec,
        allowed=template("Deployment", {}),
    ),
    *(
        stripped(
            f"A10-toleration-{name}",
            "tolerates what keeps others off a node",
            pod({"tolerations": [toleration]}),
            _tolerates_no(key),
            allowed=pod({"tolerations": [HARMLESS]}),
            shows=lambda seen: _tolerates(seen, HARMLESS["key"]),
        )
        for name, key, toleration in (
            ("everything", "", EVERYTHING),
            ("control-plane", CONTROL_PLANE["key"], {**CONTROL_PLANE, "operator": "Exists"}),
            ("other-pool", "pool", {"key": "pool", "operator": "Equal", "value": "gold"}),
        )
    ),
    *(
        stripped(
            f"A10-{name}",
            "selects nodes that are not for tenants",
            pod(spec),
            lambda seen: seen.spec["nodeSelector"].get("kubernetes.io/os") == "linux",
            allowed=pod({"nodeSelector": {"topology.kubernetes.io/zone": "a"}}),
            shows=lambda seen: seen.spec["nodeSelector"].get("topology.kubernetes.io/zone") == "a",
        )
        for name, spec in (
            ("nodeselector", {"nodeSelector": {"kubernetes.io/os": "windows"}}),
            ("nodeselector-none", {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}),
            ("nodeaffinity", {"affinity": {"nodeAffinity": CONTROL_PLANE_NODES}}),
        )
    ),
    *(
        stripped(
            f"A11-{name}",
            "a priority above its neighbours'",
            pod({"priorityClassName": name}),
            lambda seen: not seen.spec.get("priorityClassName") and not seen.spec.get("priority"),
            allowed=pod(),
        )
        for name in ("system-cluster-critical", "system-node-critical")
    ),
    stripped(
        "A12-scheduler",
        "another scheduler than the platform's",
        pod({"schedulerName": "my-scheduler"}),
        lambda seen: seen.spec["schedulerName"] == "default-scheduler",
        allowed=pod(),
    ),
]
