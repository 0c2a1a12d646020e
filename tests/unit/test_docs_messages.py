"""docs/troubleshooting.md quotes what the product says, and all that it should."""

from __future__ import annotations

import re

import pytest

from tools.docs import messages
from tools.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
SOURCES = messages.of_python() + messages.of_chart()
HOW_TOS = ("docs/how-to/ingress.md", "docs/how-to/external-datastore.md")


def _section(title: str) -> list[str]:
    """Return the first cells of a section's tables."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return re.findall(r"^\| `([^`]+)` \|", found[1], re.MULTILINE)


SECTIONS = ("Create", "The other commands", "Refused by the chart", "The log")
MESSAGES = [(title, each) for title in SECTIONS for each in _section(title)]


@pytest.mark.parametrize(("section", "message"), MESSAGES)
def test_a_message_stands_in_the_sources(section: str, message: str) -> None:
    assert messages.stands_in(message, SOURCES), f"{section}: nobody says this any more"


def test_messages_are_compared_with_what_is_there() -> None:
    assert not messages.stands_in("the host has no default StorageKlass", SOURCES)
    assert messages.stands_in("the file … is…", ["the file … is gone"])
    assert not messages.stands_in("the file is gone", ["the file … is gone"])


@pytest.mark.parametrize("refusal", messages.of_chart())
def test_every_refusal_of_the_chart_is_there(refusal: str) -> None:
    quoted = _section("Refused by the chart")
    assert any(messages.stands_in(each, [refusal]) for each in quoted), refusal


def test_every_reason_of_an_event_is_there_and_no_other() -> None:
    in_attempts = {"AdmissionInside", "HostForbids", "HostRefused", "MissingRight"}
    assert set(_section("Why an object is not on the host")) == messages.reasons() | in_attempts
    for reason in in_attempts:
        assert reason in SOURCES


def test_the_checks_of_readyz_are_there() -> None:
    source = (ROOT / "syncer" / "telemetry" / "readiness.py").read_text()
    checks = {"start", "virt-api", "datastore", "deletions", "virt-watches", "host-watches"}
    told = _section("/readyz")
    assert {each.partition(":")[0] for each in told} == checks
    for name in checks - {"virt-watches", "host-watches"}:
        assert f'"{name}"' in source
    for each in told:
        words = each.rpartition(": ")[2] if "watches" in each else each.partition(": ")[2]
        assert words == "…" or messages.stands_in(words, SOURCES), each


@pytest.mark.parametrize("page", HOW_TOS)
def test_what_how_tos_quote_stands_in_the_sources(page: str) -> None:
    text = (ROOT / page).read_text().partition("## Troubleshooting")[2]
    quoted = re.findall(r"^\| (?:`[A-Z]\w+` \| )?`([^`]+)` \|", text, re.MULTILINE)
    assert quoted
    for each in quoted:
        assert messages.stands_in(_without_figures(each), SOURCES), each


def _without_figures(message: str) -> str:
    return re.sub(r"\bdev\b[-a-z0-9]*|\b3\b", messages.VARIES, message)
