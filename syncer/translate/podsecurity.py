"""The Pod Security Standards, judged on the final host pod.

The rules are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/ as of
1.34. The host's own admission may say no as well; this check exists because it may be off there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncer.kube.objects import Obj, containers_of

LEVELS = ("privileged", "baseline", "restricted")

CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SELINUX_TYPES = frozenset(
    ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
)
SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
)
CONFINED = ("RuntimeDefault", "Localhost")


def violations(spec: Obj, level: str) -> list[str]:
    """Return what in a pod spec does not meet the level; empty when all does."""
    if level == "privileged":
        return []
    found = list(_baseline_pod(spec))
    for container in containers_of(spec):
        found += _baseline_container(container)
    if level == "restricted":
        context = spec.get("securityContext") or {}
        found += _restricted_pod(context)
        for container in containers_of(spec):
            found += _restricted(container, context)
    return found


def _baseline_pod(spec: Obj) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"{field}=true"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"hostPath volume {volume['name']}"
    context = spec.get("securityContext") or {}
    for sysctl in context.get("sysctls") or ():
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _context(context, "the pod")


def _baseline_container(container: Obj) -> Iterator[str]:
    name = f"container {container['name']}"
    context = container.get("securityContext") or {}
    if context.get("privileged"):
        yield f"{name} is privileged"
    added = (context.get("capabilities") or {}).get("add") or ()
    for capability in added:
        if capability not in CAPABILITIES:
            yield f"{name} adds capability {capability}"
    if context.get("procMount", "Default") != "Default":
        yield f"{name} sets procMount"
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"{name} uses hostPort {port['hostPort']}"
    yield from _hosts(container, name)
    yield from _context(context, name)


def _hosts(container: Obj, name: str) -> Iterator[str]:
    """Name probes and hooks that make the host's kubelet dial where the tenant wants (KEP-4940)."""
    lifecycle = container.get("lifecycle") or {}
    handlers = {
        **{
            probe: container.get(probe)
            for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        },
        **{f"lifecycle.{hook}": lifecycle.get(hook) for hook in ("postStart", "preStop")},
    }
    for where, handler in handlers.items():
        for action in ("httpGet", "tcpSocket"):
            if ((handler or {}).get(action) or {}).get("host"):
                yield f"{name} sets {where}.{action}.host"


def _context(context: Obj, where: str) -> Iterator[str]:
    """Judge what a pod's and a container's security context have in common."""
    if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
        yield f"{where} is unconfined by seccomp"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in CONFINED:
        yield f"{where} is unconfined by AppArmor"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield f"{where} sets seLinuxOptions"
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{where} is a hostProcess"


def _restricted_pod(context: Obj) -> Iterator[str]:
    """Judge what the standard forbids in the pod even where every container says otherwise."""
    if context.get("runAsNonRoot") is False:
        yield "the pod must not set runAsNonRoot=false"
    if context.get("runAsUser") == 0:
        yield "the pod must not set runAsUser=0"


def _restricted(container: Obj, pod_context: Obj) -> Iterator[str]:
    name = f"container {container['name']}"
    context = container.get("securityContext") or {}

    def either(field: str) -> Any:
        return context[field] if field in context else pod_context.get(field)

    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} must set allowPrivilegeEscalation=false"
    if either("runAsNonRoot") is not True:
        yield f"{name} must set runAsNonRoot=true"
    if either("runAsUser") == 0:
        yield f"{name} must not set runAsUser=0"
    if (either("seccompProfile") or {}).get("type") not in CONFINED:
        yield f"{name} must set seccompProfile.type to RuntimeDefault or Localhost"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield f"{name} must drop ALL capabilities"
    for capability in capabilities.get("add") or ():
        if capability != "NET_BIND_SERVICE":
            yield f"{name} must not add capability {capability}"
