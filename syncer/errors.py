"""Errors are types at the edge; what follows from each is decided in one place, the worker loop.

ApiError
├── BadRequest (400, 422: the object can never be accepted as it is)
├── Unauthorized (401)
├── Forbidden (403)
│   ├── AdmissionDenied (any status: a webhook or an admission policy gave the answer)
│   └── Terminating (403, what is asked for would be made in a namespace that is on its way out)
├── NotFound (404)
├── Conflict (409)
│   └── AlreadyExists (409, reason AlreadyExists)
├── Gone (410: the resource version is no longer kept)
├── TooManyRequests (429, retry_after in seconds)
└── ServerError (5xx)
Refused       the translation will not let this object reach the host
DeletionHeld  the brake holds the deletion of a host object: nothing was sent
NotYet        something this object needs is not there; its arrival queues the object again
Unreachable   no answer at all: connection refused, reset, timed out
├── NotLeading    another replica may be the leader: nothing was sent
└── OtherCluster  it answers, and serves another datastore than it did
LostLease     another replica leads, or may: this one ends
"""

from __future__ import annotations


class ApiError(Exception):
    """An answer of an API server that is not a success."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.side = ""
        """Which API server said so, "virt" or "host"; the client fills it in."""
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class BadRequest(ApiError):
    """The server will never accept this object as it is."""


class Unauthorized(ApiError):
    """The credentials are not accepted. Of a write, kube/client.py has made sure by reading."""


class Forbidden(ApiError):
    """A right is missing, or admission said no."""


class AdmissionDenied(Forbidden):
    """Admission said no, with a status of its own choice: it is about this one request only."""


class Terminating(Forbidden):
    """The namespace is being deleted: nothing can be made in it any more."""


class NotFound(ApiError):
    """There is no such object."""


class Conflict(ApiError):
    """Somebody else wrote first, or a UID precondition did not hold."""


class AlreadyExists(Conflict):
    """The name is taken."""


class Gone(ApiError):
    """The resource version is older than what the server keeps: list again."""


class TooManyRequests(ApiError):
    """The server asks for a pause of `retry_after` seconds."""


class ServerError(ApiError):
    """The server failed; trying again later may help."""


class Unreachable(Exception):
    """No answer: refused, reset or timed out."""


class NotLeading(Unreachable):
    """Only the leader writes, and we cannot be sure to be it."""


class OtherCluster(Unreachable):
    """The cluster that we know is not there; in its place is one that we do not."""


class LostLease(Exception):
    """We lead no longer; whatever is still under way must end."""


class Refused(Exception):
    """The object must not reach the host; `reason` is an event reason, the text names the cure."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class DeletionHeld(Exception):
    """The brake does not let this object be deleted before its operator has said so."""


class NotYet(Exception):
    """Something the object needs is still on its way."""
