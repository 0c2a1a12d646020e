"""From method and request target to a typed request, and from that to the host's URL. Pure.

The path is split before it is decoded, decoded once, and every part must be a name that Kubernetes
allows; so `..`, `%2f`, `;`, NUL and doubled slashes have no meaning left (threats.md G2). The
target for the host is built from the lookup's names and the parsed query, never from the client's
text.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote_to_bytes, urlencode

from syncer.kubelet import query
from syncer.kubelet.errors import BadRequest, MethodNotAllowed, NotFound
from syncer.kubelet.types import Health, HostPod, Logs, PodRef, Request, Stream

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
_UID = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]{0,62}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# A real kubelet serves these from its node; a node's data is not the tenant's (threats.md G6).
_NODE = "the nodes of a virtual cluster do not serve this"
_USAGE = "resource usage is not served by the nodes of this virtual cluster"
NODE_PATHS = {
    "checkpoint": _NODE,
    "configz": _NODE,
    "debug": _NODE,
    "logs": _NODE,
    "metrics": _USAGE,
    "pods": _NODE,
    "run": _NODE,
    "runningpods": _NODE,
    "spec": _NODE,
    "stats": _USAGE,
}


def parse(method: str, target: str) -> Request:
    """Return what is asked for; raise a KubeletError for what this endpoint does not serve."""
    path, _, raw_query = target.partition("?")
    if not path.startswith("/") or "#" in target:
        raise BadRequest("the request target must be a path")
    parts = [_decode(part) for part in path[1:].split("/")]
    match parts:
        case ["healthz"]:
            _allow(method, "GET")
            return Health()
        case ["containerLogs", namespace, pod, container]:
            _allow(method, "GET")
            ref = _pod(namespace, pod, None)
            _check(_LABEL, container, "container")
            return Logs(ref, container, query.log_pairs(raw_query, container))
        case ["exec" | "attach" as endpoint, namespace, pod, container]:
            return _command(method, endpoint, _pod(namespace, pod, None), container, raw_query)
        case ["exec" | "attach" as endpoint, namespace, pod, uid, container]:
            return _command(method, endpoint, _pod(namespace, pod, uid), container, raw_query)
        case ["portForward", namespace, pod]:
            return _ports(method, _pod(namespace, pod, None), raw_query)
        case ["portForward", namespace, pod, uid]:
            return _ports(method, _pod(namespace, pod, uid), raw_query)
        case [first, *_] if first in NODE_PATHS:
            raise NotFound(NODE_PATHS[first])
    raise NotFound("no such path")


def host_target(request: Logs | Stream, host_pod: HostPod) -> str:
    """Return the path and query of the pod's subresource in the host API."""
    namespace, name = quote(host_pod.host_namespace, safe=""), quote(host_pod.host_name, safe="")
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/{subresource_of(request)}"
    return f"{path}?{urlencode(request.query)}" if request.query else path


def subresource_of(request: Logs | Stream) -> str:
    """Return the name of the pod's subresource in the host API."""
    return "log" if isinstance(request, Logs) else request.subresource


def _command(
    method: str, endpoint: Literal["exec", "attach"], ref: PodRef, container: str, raw_query: str
) -> Stream:
    _allow(method, "GET", "POST")
    _check(_LABEL, container, "container")
    known = query.EXEC if endpoint == "exec" else query.ATTACH
    return Stream(endpoint, ref, container, query.stream_pairs(raw_query, container, known))


def _ports(method: str, ref: PodRef, raw_query: str) -> Stream:
    _allow(method, "GET", "POST")
    return Stream("portforward", ref, None, query.port_pairs(raw_query))


def _pod(namespace: str, name: str, uid: str | None) -> PodRef:
    _check(_LABEL, namespace, "namespace")
    _check(_SUBDOMAIN, name, "pod")
    if uid is not None:
        _check(_UID, uid, "pod UID")
    return PodRef(namespace, name, uid)


def _check(form: re.Pattern[str], text: str, what: str) -> None:
    if not form.fullmatch(text):
        raise BadRequest(f"not a valid {what} name")


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise MethodNotAllowed(f"only {' and '.join(allowed)} here")


def _decode(part: str) -> str:
    if _BAD_ESCAPE.search(part):
        raise BadRequest("malformed path")
    # Every name is ASCII; other bytes become characters that no form allows.
    return unquote_to_bytes(part).decode("ascii", errors="replace")
