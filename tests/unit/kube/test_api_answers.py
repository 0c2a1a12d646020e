"""Every status has its type, and what the server says about waiting is understood."""

import pytest

from syncer import errors
from syncer.errors import ApiError, BadRequest, ServerError
from syncer.kube import api_answers
from syncer.kube.api_answers import from_status
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


# As API servers of the versions say it; what the webhook or policy chose is "no" here.
DENIALS = {
    "webhook, 1.16 to 1.37": 'admission webhook "guard.example.com" denied the request: no',
    "webhook, no text": 'admission webhook "g" denied the request without explanation',
    "webhook that says what an API server says": (
        'admission webhook "g" denied the request: "web" not found because it is being terminated'
    ),
    "policy, 1.30 to 1.37": (
        "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'guard' with binding 'all' denied"
        " request: no"
    ),
    "policy, 1.26": (
        "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'guard' with binding 'all' denied"
        " request: failed expression: false"
    ),
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504])
@pytest.mark.parametrize("message", DENIALS.values(), ids=DENIALS)
def test_denial_of_admission_is_one_whatever_status_it_chose(status: int, message: str) -> None:
    for reason in ("", "NotFound", "AlreadyExists", "Expired", "Unauthorized"):
        error = from_status(status, {"reason": reason, "message": message}, "3")
        assert type(error) is errors.AdmissionDenied
        assert (error.status, error.retry_after) == (status, 3)


@pytest.mark.parametrize(
    ("status", "message", "fails"),
    [
        (
            500,
            'Internal error occurred: failed calling webhook "g": failed to call webhook: EOF',
            True,
        ),
        (500, 'Internal error occurred: failed calling admission webhook "g": EOF', True),  # 1.9
        (500, "conversion webhook for example.com/v1, Kind=Web failed: EOF", True),
        (500, "Internal error occurred: etcdserver: request timed out", False),
        (403, 'failed calling webhook "g": it is a user\'s own text', False),
    ],
)
def test_webhook_that_gives_no_answer_is_told_from_a_server_that_fails(
    status: int, message: str, *, fails: bool
) -> None:
    assert api_answers.is_webhook_failure(from_status(status, {"message": message}, None)) is fails


# As 1.16, 1.18, 1.30 and 1.34 say it.
TAKEN = (
    'Service "web" is invalid: spec.clusterIP: Invalid value: "10.96.0.9": provided IP is already'
    " allocated"
)
TAKEN_NEW = (
    'Service "web" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP'
    " 10.96.0.9: provided IP is already allocated"
)
PORT = (
    'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is'
    " already allocated"
)
OUTSIDE = (
    'Service "web" is invalid: spec.clusterIP: Invalid value: "1.2.3.4": the provided network does'
    " not match the current range"
)


@pytest.mark.parametrize(
    ("message", "allocated", "outside", "ip", "port"),
    [
        (TAKEN, True, False, True, False),
        (TAKEN_NEW, True, False, True, False),
        (PORT, True, False, False, True),
        (OUTSIDE, False, True, True, False),
        ("something else", False, False, False, False),
    ],
)
def test_why_a_service_was_refused(
    message: str, *, allocated: bool, outside: bool, ip: bool, port: bool
) -> None:
    error = BadRequest(422, "Invalid", message)
    assert api_answers.is_already_allocated(error) is allocated
    assert api_answers.is_outside_range(error) is outside
    assert api_answers.is_about_cluster_ip(error) is ip
    assert api_answers.is_about_node_port(error) is port


def test_missing_right_names_verb_and_resource() -> None:
    text = 'User "x" cannot create resource "pods/exec" in API group "" in the namespace "team-x"'
    assert api_answers.missing_right(errors.Forbidden(403, "", text)) == ("create", "pods/exec")
    assert api_answers.missing_right(ServerError(500, "", "exceeded quota")) is None
