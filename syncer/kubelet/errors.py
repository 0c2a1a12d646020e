"""Every way a kubelet request can fail, and the one table from class to HTTP answer.

    KubeletError
    ├── BadRequestError        400  the request is not one that an API server sends
    ├── ForbiddenError         403  the caller's certificate is not the API server's
    ├── NotFoundError          404  no such path, pod or container of this virtual cluster
    ├── MethodNotAllowedError  405
    ├── TooLargeError          413  a body where none belongs, or too long a head
    ├── MissingRightError      500  the syncer's own Role on the host lacks something
    ├── HostUnavailableError   502  the host API cannot be reached, or its answer is not usable
    ├── OverloadedError        503  the stream limit is reached
    ├── HostTimeoutError       504  the host API did not answer in time
    └── HostRefusedError       own  the host's refusal, told in virtual names
    ClientGoneError            none: nobody is left to answer

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


class BadRequestError(KubeletError):
    """The request is malformed."""


class ForbiddenError(KubeletError):
    """The caller is not the API server."""


class NotFoundError(KubeletError):
    """There is no such path, pod or container."""


class MethodNotAllowedError(KubeletError):
    """The path does not know this method."""


class TooLargeError(KubeletError):
    """The request is larger than anything an API server sends."""


class MissingRightError(KubeletError):
    """The host denied the syncer a verb on a resource."""


class HostUnavailableError(KubeletError):
    """The host API cannot be reached or answered with something unusable."""


class OverloadedError(KubeletError):
    """As many streams as allowed are open."""


class HostTimeoutError(KubeletError):
    """The host API took too long to answer."""


class HostRefusedError(KubeletError):
    """The host API refused; its status code and reason are handed on."""

    def __init__(self, message: str, code: int, reason: str) -> None:
        super().__init__(message)
        self.code = int(code)
        self.reason = reason


class ClientGoneError(Exception):
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
    BadRequestError: (HTTPStatus.BAD_REQUEST, "BadRequest"),
    ForbiddenError: (HTTPStatus.FORBIDDEN, "Forbidden"),
    NotFoundError: (HTTPStatus.NOT_FOUND, "NotFound"),
    MethodNotAllowedError: (HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    TooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge"),
    MissingRightError: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
    HostUnavailableError: (HTTPStatus.BAD_GATEWAY, "InternalError"),
    OverloadedError: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    HostTimeoutError: (HTTPStatus.GATEWAY_TIMEOUT, "Timeout"),
}


def answer_to(error: KubeletError) -> Answer:
    """Return the HTTP answer for an error; a class without a row is a 500."""
    if isinstance(error, HostRefusedError):
        return Answer(error.code, error.reason, error.message)
    code, reason = TABLE.get(type(error), (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"))
    return Answer(code, reason, error.message)
