"""What an unwanted answer of the host API means to the person at kubectl. Pure.

Host names in the text become virtual ones; a right that the syncer lacks is named as such.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import orjson

from syncer.kubelet.errors import (
    HostRefused,
    HostUnavailable,
    KubeletError,
    MissingRight,
)
from syncer.kubelet.types import HostPod, PodRef

MAX_MESSAGE = 16 * 1024
MAX_STATUS = 600
# The authorizer's own words, the same from 1.16 to 1.34.
_FORBIDDEN = re.compile(r'cannot (\w+) resource "([\w./-]+)"')


def explain(status: int, body: bytes, host_pod: HostPod, ref: PodRef) -> KubeletError:
    """Return the error for an answer of the host that is not the one hoped for."""
    if not HTTPStatus.BAD_REQUEST <= status < MAX_STATUS:
        return HostUnavailable(f"the host API answered {status}, which is never followed")
    if status == HTTPStatus.UNAUTHORIZED:
        return HostUnavailable("the host API does not accept the syncer's token")
    reason, message = _read(body)
    missing = _FORBIDDEN.search(message) if status == HTTPStatus.FORBIDDEN else None
    if missing:
        verb, resource = missing.groups()
        return MissingRight(
            f'the syncer may not "{verb}" "{resource}" on the host cluster: '
            "its Role there lacks this right"
        )
    text = virtual_names(message, host_pod, ref) or f"the host API answered {status}"
    return HostRefused(text[:MAX_MESSAGE], status, reason)


def virtual_names(text: str, host_pod: HostPod, ref: PodRef) -> str:
    """Put the pod's virtual name, namespace and UID where the host's stand.

    A bare namespace is replaced only between marks, since its name may be any common word.
    """
    namespace, name = re.escape(host_pod.host_namespace), re.escape(host_pod.host_name)
    for pattern, new in (
        (rf"(?<![\w.-]){re.escape(host_pod.host_uid)}(?![\w.-])", host_pod.virt_uid),
        (rf"(?<![\w.-]){namespace}/{name}(?![\w.-])", f"{ref.virt_namespace}/{ref.virt_name}"),
        (rf"(?<![\w.-]){name}_{namespace}(?![\w.-])", f"{ref.virt_name}_{ref.virt_namespace}"),
        (rf"(?<![\w.-]){name}(?![\w.-])", ref.virt_name),
        (rf'(?<=["/]){namespace}(?=["/])', ref.virt_namespace),
    ):
        text = re.sub(pattern, new, text)
    return text


def _read(body: bytes) -> tuple[str, str]:
    """Return reason and message of a Status, or the plain text."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", body.decode(errors="replace").strip()
    if not isinstance(status, dict):
        return "", ""
    return str(status.get("reason", "")), str(status.get("message", ""))
