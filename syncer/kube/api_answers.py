"""Tells the answers of API servers apart: status codes, and messages where a code says too little.

Every comparison with the text of a message stands here. The messages of Kubernetes 1.16 to 1.36 are
in tests/unit/kube/test_api_answers.py.

Admission comes first. A webhook chooses the status code, the reason, the message and `Retry-After`
of its denial (apiserver: plugin/webhook/errors.ToStatusErr), and so does a
ValidatingAdmissionPolicy with its `reason`. A 404 of that origin says nothing about the object, a
401 nothing about our credentials, a 410 nothing about a resource version. It is always
AdmissionDenied. The API server puts its own words in front of a webhook's, so a webhook can neither
hide that it speaks nor be taken for the API server.
"""

from __future__ import annotations

import math
import re

from syncer.errors import (
    AdmissionDenied,
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    ServerError,
    Terminating,
    TooManyRequests,
    Unauthorized,
)

LONGEST_RETRY_AFTER_SECONDS = 60.0  # API servers ask for 1 to 30
LONGEST_MESSAGE = 1024  # characters
BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: BadRequest,
    429: TooManyRequests,
}
_DENIED = re.compile(r"^admission webhook \"|(?:Validating|Mutating)AdmissionPolicy '")
_FAILED = re.compile(r'failed calling (?:admission )?webhook "|conversion webhook for ')
_ENDING = "because it is being terminated"  # 1.16 says it in no other way


def from_status(status: int, body: object, retry_after: str | None) -> ApiError:
    """Return the typed error for an HTTP status of 300 or more and the Status that came with it.

    `retry_after` is the header of that name. AdmissionDenied, whatever the status, when admission
    gave the answer.
    """
    reason, message = "", ""
    if isinstance(body, dict):
        reason, message = str(body.get("reason", "")), str(body.get("message", ""))
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ApiError)  # noqa: PLR2004
    if is_from_admission(message):
        kind = AdmissionDenied
    elif kind is Conflict and reason == "AlreadyExists":
        kind = AlreadyExists
    elif kind is Forbidden and is_namespace_ending(message):
        kind = Terminating
    return kind(status, reason, message[:LONGEST_MESSAGE], retry_after=_seconds(retry_after))


def is_from_admission(message: str) -> bool:
    """Tell whether a webhook or an admission policy gave the answer."""
    return _DENIED.search(message) is not None


def is_webhook_failure(error: ApiError) -> bool:
    """Tell whether a webhook was asked and gave no valid answer; the API server says 500 then."""
    return isinstance(error, ServerError) and _FAILED.search(error.message) is not None


def is_namespace_ending(message: str) -> bool:
    """Tell whether something was refused because its namespace is being deleted."""
    return _ENDING in message


def is_already_allocated(error: ApiError) -> bool:
    """Tell whether an address or a node port of a Service belongs to another one."""
    return "already allocated" in error.message


def is_outside_range(error: ApiError) -> bool:
    """Tell whether an address of a Service lies in no range of the cluster."""
    return "does not match the current range" in error.message


def is_about_cluster_ip(error: ApiError) -> bool:
    """Tell whether a Service was refused for its ClusterIP."""
    return "clusterIP" in error.message


def is_about_node_port(error: ApiError) -> bool:
    """Tell whether a Service was refused for a node port."""
    return "nodePort" in error.message


def missing_right(error: ApiError) -> tuple[str, str] | None:
    """Return verb and resource of a right that we lack; None when that was not the answer."""
    lacking = re.search(r'cannot (\w+) resource "([^"]+)"', error.message)
    return (lacking[1], lacking[2]) if lacking else None


def _seconds(retry_after: str | None) -> float:
    """Return the pause that the header asks for, within reason: a tenant's webhook can set it."""
    try:
        pause = float(retry_after) if retry_after else 0.0
    except ValueError:
        pause = 1.0
    if math.isnan(pause):
        return 1.0
    return max(0.0, min(LONGEST_RETRY_AFTER_SECONDS, pause))
