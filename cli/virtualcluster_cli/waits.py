"""What an object waits for, as far as both sides show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from virtualcluster_cli.api import Obj
from virtualcluster_cli.installations import Installation
from virtualcluster_cli.rules import known
from virtualcluster_cli.shared.objects import Key, containers_of

SOURCES = {"configMap": "configmaps", "secret": "secrets"}
REFUSED = ("ErrImagePull", "ImagePullBackOff")
NAMED_BY = ("configmaps", "secrets")


def synced(plural: str, which: Installation) -> str:
    """Return why objects of a kind do not reach the host at all; empty when they do."""
    off = which.syncer_flag("--disable-sync-resources").split(",")
    on = which.syncer_flag("--enable-sync-resources").split(",")
    kinds = known()["kinds"]
    if plural in kinds["shown"]:
        return "what the host has of this kind is shown inside; nothing of it goes to the host"
    if plural in off:
        return f"syncing of {plural} is switched off (--disable-sync-resources)"
    if plural in kinds["by default"]:
        return ""
    if plural in kinds["opt in"]:
        return (
            "" if plural in on else f"syncing of {plural} is off: a value of the chart turns it on"
        )
    return "this kind lives inside only; the pods and services that it leads to reach the host"


def of_virtual(plural: str, virt: Obj, which: Installation, named: bool) -> Iterator[str]:
    """Yield what an object without a twin waits for; `named` if a pod or an ingress names it."""
    if not which.ready:
        yield f"the virtual cluster's own pod, which is not ready ({which.phase})"
    if plural in NAMED_BY and not named:
        yield "a pod or an ingress that names it: nothing else of its kind reaches the host"
    if plural == "services":
        meta = virt["metadata"]
        if virt["spec"].get("type") == "ExternalName":
            yield "nothing: an ExternalName lives in the virtual DNS alone"
        if (meta["namespace"], meta["name"]) == ("default", "kubernetes"):
            yield "nothing: on the host it is the virtual cluster's own Service"
    if plural == "pods":
        yield from _pod(virt, which)


def _pod(virt: Obj, which: Installation) -> Iterator[str]:
    phase = (virt.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        reason = virt["status"].get("reason") or phase
        yield f"nothing: it has ended ({reason}), and no pod runs twice"
        return
    gates = [each["name"] for each in virt["spec"].get("schedulingGates") or ()]
    if gates:
        yield f"its scheduling gates: {', '.join(gates)}"
    flags = [
        argument
        for container in which.statefulset["spec"]["template"]["spec"]["containers"]
        for argument in container.get("args") or ()
    ]
    if "--virtual-scheduler" in flags and not virt["spec"].get("nodeName"):
        yield "a node, which the virtual cluster's own scheduler chooses"


def of_host(plural: str, host: Obj) -> Iterator[str]:
    """Yield what a twin waits for on the host."""
    status = host.get("status") or {}
    if plural == "persistentvolumeclaims" and status.get("phase") == "Pending":
        yield "a volume on the host; its events say more"
    balanced = plural == "services" and host["spec"].get("type") == "LoadBalancer"
    if balanced and not (status.get("loadBalancer") or {}).get("ingress"):
        yield "an address from the host's load balancer"
    if plural != "pods":
        return
    for each in status.get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "False":
            yield f"a node of the host: {each.get('message', '')}"
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            waiting = (each.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") not in (None, "PodInitializing"):
                said = f": {waiting['message']}" if waiting.get("message") else ""
                tried = _tried(host["spec"]) if waiting["reason"] in REFUSED else ""
                yield f"container {each['name']}: {waiting['reason']}{said}{tried}"


def _tried(host_spec: Obj) -> str:
    """Say by which Secrets a kubelet pulls; what it says itself names the image only."""
    names = [each["name"] for each in host_spec.get("imagePullSecrets") or ()]
    return f" (tried with {', '.join(names)} of the host)" if names else " (tried without a Secret)"


def references(virt_pod: Obj) -> set[Key]:
    """Return the ConfigMaps, Secrets and claims that a pod names."""
    meta, spec = virt_pod["metadata"], virt_pod["spec"]
    found: set[tuple[str, str]] = set()
    for container in containers_of(spec):
        for variable in container.get("env") or ():
            source = variable.get("valueFrom") or {}
            for field, plural in SOURCES.items():
                found.add((plural, (source.get(f"{field}KeyRef") or {}).get("name", "")))
        for source in container.get("envFrom") or ():
            for field, plural in SOURCES.items():
                found.add((plural, (source.get(f"{field}Ref") or {}).get("name", "")))
    for volume in spec.get("volumes") or ():
        found |= _of_volume(volume, meta["name"])
    found |= {("secrets", each.get("name", "")) for each in spec.get("imagePullSecrets") or ()}
    return {Key(plural, meta["namespace"], name) for plural, name in found if name}


def _of_volume(volume: Obj, pod: str) -> set[tuple[str, str]]:
    found = {
        ("configmaps", (volume.get("configMap") or {}).get("name", "")),
        ("secrets", (volume.get("secret") or {}).get("secretName", "")),
        (
            "persistentvolumeclaims",
            (volume.get("persistentVolumeClaim") or {}).get("claimName", ""),
        ),
    }
    if "ephemeral" in volume:
        found.add(("persistentvolumeclaims", f"{pod}-{volume['name']}"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        for field, plural in SOURCES.items():
            found.add((plural, (source.get(field) or {}).get("name", "")))
    return found


def named_by(pods: Iterable[Obj], ingresses: Iterable[Obj]) -> set[Key]:
    """Return all that pods and ingresses name."""
    found = {key for pod in pods for key in references(pod)}
    for each in ingresses:
        for tls in each["spec"].get("tls") or ():
            if tls.get("secretName"):
                found.add(Key("secrets", each["metadata"]["namespace"], tls["secretName"]))
    return found
