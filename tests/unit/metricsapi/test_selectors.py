"""Label and field selectors as Kubernetes writes them."""

import pytest

from syncer.metricsapi.selectors import (
    BadSelector,
    fields_meet,
    labels_meet,
    parse_fields,
    parse_labels,
)
from tests.unit.build import pod

LABELS = {"app": "web", "tier": "front", "example.com/n": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("none!=web", True),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("! app", False),
        ("app in (web,db)", True),
        ("app in ( db )", False),
        ("none in (web)", False),
        ("app notin (db, cache)", True),
        ("app notin (web)", False),
        ("none notin (web)", True),
        ("empty=", True),
        ("app=", False),
        ("empty in ()", True),
        ("example.com/n>4", True),
        ("example.com/n<5", False),
        ("app>4", False),
        ("none>4", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app,!none,tier in (front),example.com/n=5", True),
        ("in=web", False),
        ("in", False),
    ],
)
def test_labels(text: str, meets: bool) -> None:  # noqa: FBT001
    assert labels_meet(parse_labels(text), pod(metadata={"labels": LABELS})) is meets


@pytest.mark.parametrize(
    "text",
    [
        *("=web", "app=web,", ",", "app web", "app in web", "app in (web", "app in (a b)"),
        *("app>x", "app=(", "app=w$b", "!", "!!app", "app=web=x", "\N{GREEK SMALL LETTER PI}=x"),
    ],
)
def test_what_is_no_label_selector_is_refused(text: str) -> None:
    with pytest.raises(BadSelector):
        parse_labels(text)


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,metadata.namespace=default", True),
        ("metadata.name=other", False),
        ("metadata.name!=web", False),
        ("metadata.namespace!=kube-system", True),
    ],
)
def test_fields(text: str, meets: bool) -> None:  # noqa: FBT001
    assert fields_meet(parse_fields(text), pod("web")) is meets


@pytest.mark.parametrize("text", ["spec.nodeName=a", "metadata.name", "=x"])
def test_other_fields_are_refused(text: str) -> None:
    with pytest.raises(BadSelector):
        parse_fields(text)
