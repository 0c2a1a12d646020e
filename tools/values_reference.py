"""docs/reference/values.md: every value of the chart, as its comments in values.yaml say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import chart_values
from tools.chart_values import CHART, Value
from tools.generated import ROOT, fill

PATH = ROOT / "docs" / "reference" / "values.md"
HEAD = """\
# Values

Made by `scripts/generate` from [values.yaml](../../charts/virtualcluster/values.yaml), which is
where they may be changed. Helm checks what it is given against a closed schema: a key that is not
here is refused, and so is a value of another type.
"""
SHORT = 60
"""Longer defaults stand in a block of their own."""


def outputs() -> dict[Path, str]:
    """Return what the file is to hold."""
    values = chart_values.read((CHART / "values.yaml").read_text())
    return {PATH: "\n".join([HEAD, *_sections(values)])}


def _sections(values: list[Value]) -> Iterator[str]:
    for value in values:
        if value.children:
            yield f"## {value.path}\n\n{fill(value.description)}\n"
            yield from _entries(value.children)
    yield "## Others\n"
    yield from _entries([value for value in values if not value.children])


def _entries(values: list[Value], deep: str = "###") -> Iterator[str]:
    for value in values:
        if value.children:
            yield f"{deep} {value.path}\n\n{fill(value.description)}\n"
            yield from _entries(value.children, f"{deep}#")
        else:
            yield f"{deep} `{value.path}`\n\n{_about(value)}\n\n{fill(value.description)}\n"


def _about(value: Value) -> str:
    default = json.dumps(value.default)
    if len(default) > SHORT:
        told = f"{_type(value)}; by default\n\n```json\n{json.dumps(value.default, indent=1)}\n```"
    else:
        told = f"{_type(value)}; by default `{default}`"
    return f"{told[0].upper()}{told[1:]}"


def _items(item: Any) -> str:
    """Return what the items of a list may be, in words: `item` as chart_values.py has it."""
    if isinstance(item, dict):
        item = [each["type"] for each in item.get("anyOf", [item])]
    return " or ".join(f"{kind}s" for kind in (item if isinstance(item, list) else [item]))


def _type(value: Value) -> str:
    words = value.keywords
    if "enum" in words:
        return f"one of {', '.join(f'`{json.dumps(each)}`' for each in words['enum'])}"
    kinds = words.get("type", value.type)
    told = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "item" in words:
        told = f"array of {_items(words['item'])}"
    if "additionalProperties" in words:
        told = f"map of {_inner(words['additionalProperties'])}"
    limits = (
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("pattern", "matching `{}`"),
        ("minLength", "of at least {} characters"),
    )
    said = [text.format(words[word]) for word, text in limits if word in words]
    return ", ".join([told, *said])


def _inner(schema: object) -> str:
    kinds = schema.get("type", "anything") if isinstance(schema, dict) else "anything"
    return " or ".join(f"{each}s" for each in ([kinds] if isinstance(kinds, str) else kinds))
