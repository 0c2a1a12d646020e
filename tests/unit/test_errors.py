"""Every status has its type, and what the server says about waiting is understood."""

import pytest

from syncer import errors
from syncer.errors import ApiError, from_status
from tests.unit.fake_faults import STATUSES

ENDS = (
    'secrets "web-tls" is forbidden: unable to create new content in namespace shop because it is'
    " being terminated"
)


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        *STATUSES,
        (504, "Timeout", errors.ServerError),
        (405, "MethodNotAllowed", ApiError),
        (302, "", ApiError),
    ],
)
def test_status_is_a_type(status: int, reason: str, kind: type[ApiError]) -> None:
    error = from_status(status, {"reason": reason, "message": "text"}, None)
    assert type(error) is kind
    assert (error.status, error.reason, error.message) == (status, reason, "text")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("1", 1.0),
        ("30", 30.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0),
        ("-5", 0.0),
        ("nan", 1.0),
        ("inf", 60.0),
        ("2147483647", 60.0),  # a tenant's webhook may say so: it must not stop us for ever
    ],
)
def test_retry_after_is_a_bounded_number_of_seconds(header: str | None, seconds: float) -> None:
    assert from_status(429, {}, header).retry_after == seconds


@pytest.mark.parametrize("body", [None, "text", [], {}, {"reason": None, "message": None}])
def test_answer_without_a_status_object_is_an_error_all_the_same(body: object) -> None:
    assert from_status(500, body, None).status == 500


def test_long_messages_are_cut() -> None:
    assert len(from_status(422, {"message": "x" * 10_000}, None).message) == 1024


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, ENDS, errors.Terminating),
        (403, "not allowed", errors.Forbidden),
        (409, ENDS, errors.Conflict),  # what is forbidden only is known to be for good
    ],
)
def test_namespace_that_ends_is_told_from_what_is_not_allowed(
    status: int, message: str, kind: type[ApiError]
) -> None:
    assert type(from_status(status, {"reason": "Forbidden", "message": message}, None)) is kind
