"""What a fake API server does wrong, and when: an explicit control object, no patching."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from syncer import errors

STATUSES: tuple[tuple[int, str, type[errors.ApiError]], ...] = (
    (400, "BadRequest", errors.BadRequest),
    (401, "Unauthorized", errors.Unauthorized),
    (403, "Forbidden", errors.Forbidden),
    (404, "NotFound", errors.NotFound),
    (409, "Conflict", errors.Conflict),
    (409, "AlreadyExists", errors.AlreadyExists),
    (410, "Expired", errors.Gone),
    (422, "Invalid", errors.BadRequest),
    (429, "TooManyRequests", errors.TooManyRequests),
    (500, "InternalError", errors.ServerError),
    (503, "ServiceUnavailable", errors.ServerError),
)
"""What a server answers, and the error that it is to us."""


class Asked(NamedTuple):
    """One request, as it came in."""

    method: str
    resource: str
    namespace: str
    name: str
    body: Any
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Fault:
    """What happens to the next `times` requests that match; "*" matches all."""

    method: str = "*"
    """GET, POST, PUT, PATCH, DELETE, LIST or WATCH."""
    resource: str = "*"
    """A plural, or plural/subresource."""
    name: str = "*"
    bound_to: str = "*"
    """The pod that a token is asked for."""
    status: int = 0
    """The answer; 0 for none: the connection is cut."""
    reason: str = ""
    message: str = "a fault"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent instead of a Status."""
    times: int = 1
    commit: bool = False
    """Do the work first, then give this answer: the client cannot know."""
    until: asyncio.Event | None = None
    """No answer, and no word, before this is set."""


class Faults:
    """The control object: faults are taken in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.silent = False
        """Watches send nothing at all, not even bookmarks, and stay open."""

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, request: Asked) -> Fault | None:
        for fault in self._waiting:
            if (
                fault.method in ("*", request.method)
                and fault.resource in ("*", request.resource)
                and fault.name in ("*", request.name)
                and fault.bound_to in ("*", _bound_to(request))
            ):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None


def _bound_to(request: Asked) -> str:
    bound = ((request.body or {}).get("spec") or {}).get("boundObjectRef") or {}
    return str(bound.get("name", ""))
