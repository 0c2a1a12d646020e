"""From the pod that a request names to the host pod that it may reach."""

from __future__ import annotations

from syncer.kubelet.errors import NotFound
from syncer.kubelet.types import HostPod, Logs, Lookup, Stream


def resolve(lookup: Lookup, request: Logs | Stream) -> HostPod:
    """Return the host pod; raise NotFound unless pod, UID and container are the tenant's."""
    ref = request.pod
    host_pod = lookup.find(ref.virt_namespace, ref.virt_name)
    if host_pod is None:
        raise NotFound(f'pod "{ref.virt_name}" has no containers on the host cluster')
    if ref.virt_uid is not None and ref.virt_uid != host_pod.virt_uid:
        raise NotFound(f'pod "{ref.virt_name}" with this UID is gone')
    if request.container is not None and request.container not in host_pod.containers:
        raise NotFound(f'container "{request.container}" not found in pod "{ref.virt_name}"')
    return host_pod


def confirm(lookup: Lookup, request: Logs | Stream, host_pod: HostPod) -> None:
    """Raise NotFound when the name has changed hands since `resolve` (threats.md G7).

    The host API takes names, not UIDs: a pod made anew while the request was on its way would
    otherwise answer for the old one.
    """
    now = lookup.find(request.pod.virt_namespace, request.pod.virt_name)
    if now is None or now[:4] != host_pod[:4]:
        raise NotFound(f'pod "{request.pod.virt_name}" was replaced meanwhile')
