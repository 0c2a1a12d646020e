"""Every way a kubelet request can fail, and the one table from class to HTTP answer.

    KubeletError
    ├── BadRequest        400  the request is not one that an API server sends
    ├── Forbidden         403  the caller's certificate is not the API server's
    ├── NotFound          404  no such path, pod or container of this virtual cluster
    ├── MethodNotAllowed  405
    ├── TooLarge          413  a body where none belongs, or too long a head
    ├── MissingRight      500  the syncer's own Role on the host lacks something
    ├── HostUnavailable   502  the host API cannot be reached, or its answer is not usable
    ├── Overloaded        503  the stream limit is reached
    ├── HostTimeout       504  the host API did not answer in time
    └── HostRefused       own  the host's refusal, told in virtual names
    ClientGone            none: nobody is left to answer

Handlers raise; only `connection.py` answers and logs. A missing right is a 500 and not a 403: the
person at kubectl would take a 403 for a gap in their own rights.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson


class KubeletError(Exception):
    """A request that ends in an error answer; the text is meant for the person at kubectl."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(KubeletError):
    """The request is malformed."""


class Forbidden(KubeletError):
    """The caller is not the API server."""


class NotFound(KubeletError):
    """There is no such path, pod or container."""


class MethodNotAllowed(KubeletError):
    """The path does not know this method."""


class TooLarge(KubeletError):
    """The request is larger than anything an API server sends."""


class MissingRight(KubeletError):
    """The host denied the syncer a verb on a resource."""


class HostUnavailable(KubeletError):
    """The host API cannot be reached or answered with something unusable."""


class Overloaded(KubeletError):
    """As many streams as allowed are open."""


class HostTimeout(KubeletError):
    """The host API took too long to answer."""


class HostRefused(KubeletError):
    """The host API refused; its status code and reason are handed on."""

    def __init__(self, message: str, code: int, reason: str) -> None:
        super().__init__(message)
        self.code = int(code)
        self.reason = reason


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Answer:
    """How an error looks on the wire: code, reason, and the text in either form."""

    __slots__ = ("code", "message", "reason")

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code = int(code)
        self.reason = reason
        self.message = message

    def status(self) -> bytes:
        """Return a Status object: what kubectl reads after a failed upgrade."""
        return orjson.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": self.message,
                "reason": self.reason,
                "code": self.code,
            }
        )

    def text(self) -> bytes:
        """Return plain text: for logs the API server puts the body into a Status of its own."""
        return self.message.encode()


# The reasons are those of apimachinery's StatusReason.
TABLE: dict[type[KubeletError], tuple[HTTPStatus, str]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, "BadRequest"),
    Forbidden: (HTTPStatus.FORBIDDEN, "Forbidden"),
    NotFound: (HTTPStatus.NOT_FOUND, "NotFound"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge"),
    MissingRight: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
    HostUnavailable: (HTTPStatus.BAD_GATEWAY, "InternalError"),
    Overloaded: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    HostTimeout: (HTTPStatus.GATEWAY_TIMEOUT, "Timeout"),
}


def answer_to(error: KubeletError) -> Answer:
    """Return the HTTP answer for an error; a class without a row is a 500."""
    if isinstance(error, HostRefused):
        return Answer(error.code, error.reason, error.message)
    code, reason = TABLE.get(type(error), (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"))
    return Answer(code, reason, error.message)
