"""Which form a client gets, by its Accept header."""

import pytest

from syncer.metricsapi.negotiation import PLAIN, Form, form

TABLES = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("application/json", PLAIN),
        ("application/json, */*", PLAIN),
        ("application/vnd.kubernetes.protobuf, */*", PLAIN),
        ("application/vnd.kubernetes.protobuf,application/json", PLAIN),
        (TABLES, Form("Table", "v1")),
        ("application/json; as=Table; v=v1beta1", Form("Table", "v1beta1")),
        ("application/json;as=Table;v=v2,application/json", PLAIN),
        ("application/json;as=PartialObjectMetadataList;v=v1,application/json", PLAIN),
        ("application/vnd.kubernetes.protobuf", None),
        ("application/json;as=Table;v=v2", None),
        ("text/html", None),
    ],
)
def test_first_form_that_can_be_had(accept: str, wanted: Form | None) -> None:
    assert form(accept, "Table") == wanted


def test_form_that_this_place_has_not_is_passed_over() -> None:
    accept = "application/json;as=APIGroupDiscoveryList;v=v2,application/json"
    assert form(accept, "Table") == PLAIN
    assert form(accept, "APIGroupDiscoveryList") == Form("APIGroupDiscoveryList", "v2")
