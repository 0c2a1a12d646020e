"""Rows A1 to A3 and A12: what a pod may be (Pod Security, probes that name a host)."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import container, init, pod, sidecar, template, volume
from tests.escapes.case import Case, refused

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

KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "Job")


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
        "A12-runtimeclass",
        "a RuntimeClass of its own",
        (
            {"kind": "RuntimeClass", "metadata": {"name": "@name"}, "handler": "unconfined"},
            pod({"runtimeClassName": "@name"}),
        ),
        pod(),
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
]
