"""The stages in which a virtual cluster becomes usable, and what holds one up. Pure.

What is seen of the host in one moment goes in; out comes which stages are done, and the one thing
that is wrong, if anything is: its cause and its cure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from virtualcluster_cli.api import Obj
from virtualcluster_cli.installations import K3S, SYNCER, is_ready

PULLING = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
BROKEN = ("CrashLoopBackOff", "RunContainerError", "CreateContainerConfigError", "StartError")


class View(NamedTuple):
    """What is seen of one virtual cluster on its host."""

    statefulset: Obj | None = None
    pod: Obj | None = None
    claim: Obj | None = None
    events: tuple[Obj, ...] = ()
    """Of these three, oldest first."""
    synced: tuple[Obj, ...] = ()
    """The host pods that the syncer made."""
    last_line: str = ""
    """The last line of a container that keeps crashing."""
    preflight: Obj | None = None
    """The pod that looks at the host before anything is made."""


class Stage(NamedTuple):
    """One step on the way."""

    name: str
    done: bool


class Held(NamedTuple):
    """What holds it up."""

    cause: str
    cure: str


def stages(view: View, *, dns: bool = True) -> list[Stage]:
    """Return the stages in order; one that is done after one that is not counts all the same."""
    pod = view.pod
    made = [
        Stage("objects made", view.statefulset is not None),
        Stage("pod scheduled", _condition(pod, "PodScheduled")),
        Stage("volume mounted, host discovered", _initialized(pod)),
        Stage("Kubernetes API answers", _container_ready(pod, K3S)),
        Stage(
            "syncer in sync", _container_ready(pod, SYNCER) and pod is not None and is_ready(pod)
        ),
    ]
    if dns:
        made.append(Stage("DNS answers", any(map(_is_dns, view.synced))))
    return made


def held(view: View) -> Held | None:
    """Return what holds it up, if anything is wrong; what only takes its time is not."""
    return next(_troubles(view), None)


def _troubles(view: View) -> Iterator[Held]:
    if view.pod is not None:
        yield from _unscheduled(view, view.pod)
        yield from _containers(view, view.pod)
    elif view.preflight is not None:
        yield from _unscheduled(view, view.preflight)
        yield from _containers(view, view.preflight)
    else:
        yield from _not_made(view.events)


def _not_made(events: tuple[Obj, ...]) -> Iterator[Held]:
    for event in reversed(events):
        message = event.get("message", "")
        if event.get("reason") != "FailedCreate":
            continue
        if "exceeded quota" in message:
            quota = re.search(r"exceeded quota: .*", message)
            yield Held(
                f"the host namespace's quota is too small for the pod of the control plane"
                f" ({quota[0] if quota else message})",
                "raise the quota, or lower virtualCluster.resources and syncer.resources",
            )
        elif "violates PodSecurity" in message:
            yield Held(
                f"the host namespace's Pod Security rejects the pod of the control plane"
                f" ({message.partition('violates ')[2]})",
                "set podSecurityContext and securityContext for it as the chart's README says, or"
                " change the label of the namespace",
            )
        elif "must specify" in message or "maximum" in message:
            yield Held(
                f"a quota or limit range of the host namespace refuses the pod ({message})",
                "set virtualCluster.resources and syncer.resources",
            )
        else:
            yield Held(
                f"the host does not allow the pod of the control plane ({message})",
                "correct what it names, or ask the host's administrator",
            )
        return


def _unscheduled(view: View, pod: Obj) -> Iterator[Held]:
    claim = _claim(view)
    for each in (pod.get("status") or {}).get("conditions") or ():
        if each["type"] != "PodScheduled" or each["status"] == "True":
            continue
        if claim is not None:
            yield claim
            return
        if each.get("reason") == "Unschedulable":
            yield Held(
                f"the pod of the control plane cannot be scheduled ({each.get('message', '')})",
                "free resources, lower virtualCluster.resources, or set nodeSelector and"
                " tolerations",
            )


def _claim(view: View) -> Held | None:
    """Return why the volume is not made."""
    claim = view.claim
    if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
        return None
    name = claim["metadata"]["name"]
    wanted = claim["spec"].get("storageClassName")
    for event in reversed(view.events):
        if (event.get("involvedObject") or {}).get("name") != name:
            continue
        reason, message = event.get("reason"), event.get("message", "")
        if reason == "FailedBinding" and not wanted:
            return Held(
                "the host has no default StorageClass, so the volume is not provisioned",
                "set storage.className to one of kubectl get storageclasses, or"
                " storage.persistence=false",
            )
        if reason == "ProvisioningFailed":
            return Held(
                f"the volume cannot be provisioned ({message})",
                "set storage.className to one that works, or repair the provisioner",
            )
    return None


def _containers(view: View, pod: Obj) -> Iterator[Held]:
    meta, status = pod["metadata"], pod.get("status") or {}
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            waiting = (each.get("state") or {}).get("waiting") or {}
            reason, said = waiting.get("reason", ""), waiting.get("message", "")
            if reason in PULLING:
                yield Held(
                    f"the image {each.get('image', '')} of container {each['name']} cannot be"
                    f" pulled ({said or reason})",
                    "set virtualCluster.image or syncer.image, set imagePullSecrets, or make the"
                    " image reachable from the nodes",
                )
            elif reason in BROKEN:
                last = (each.get("lastState") or {}).get("terminated") or {}
                code = f"exit code {last['exitCode']}" if "exitCode" in last else reason
                yield Held(
                    f"container {each['name']} keeps crashing ({view.last_line or said or code})",
                    f"see its log: kubectl logs {meta['name']} -n {meta['namespace']}"
                    f" -c {each['name']} --previous",
                )


def broken_container(pod: Obj | None) -> str:
    """Return the container whose log says why it ends; empty when none does."""
    status = (pod or {}).get("status") or {}
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            if ((each.get("state") or {}).get("waiting") or {}).get("reason") in BROKEN:
                return str(each["name"])
    return ""


def _condition(pod: Obj | None, kind: str) -> bool:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or ()
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _initialized(pod: Obj | None) -> bool:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return _condition(pod, "Initialized") and any(_has_run(each) for each in statuses)


def _has_run(status: Obj) -> bool:
    return "running" in (status.get("state") or {}) or bool(status.get("restartCount"))


def _container_ready(pod: Obj | None, name: str) -> bool:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return any(each["name"] == name and each.get("ready") for each in statuses)


def _is_dns(pod: Obj) -> bool:
    notes = pod["metadata"].get("annotations") or {}
    inside = notes.get("virtualcluster.dev/namespace"), notes.get("virtualcluster.dev/name", "")
    return inside[0] == "kube-system" and inside[1].startswith("coredns") and is_ready(pod)
