"""Label and field selectors as an API server's query carries them. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from syncer.kube.objects import Obj

_TOKEN = re.compile(r"\s*(==|!=|[=!,()<>]|[A-Za-z0-9_./-]+)", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)
_FIELD = re.compile(r"([^=!]+?)(==|!=|=)(.*)", re.DOTALL)
FIELDS = ("metadata.name", "metadata.namespace")
"""What can be asked for: the fields that every API server knows of every object."""


class BadSelector(Exception):
    """A selector that no API server takes; the text says which part."""


class Requirement(NamedTuple):
    """One part of a selector; `values` is empty for those that ask for the key alone."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: dict[str, str]) -> bool:
        """Tell whether an object with these labels (or fields) meets it."""
        have = labels.get(self.key)
        match self.operator:
            case "exists":
                return have is not None
            case "!":
                return have is None
            case "in":
                return have in self.values
            case "notin":  # an object without the key is not in any set
                return have not in self.values
        return have is not None and _compare(have, self.operator, next(iter(self.values)))


def labels_meet(requirements: list[Requirement], obj: Obj) -> bool:
    """Tell whether an object's labels meet all."""
    labels = obj["metadata"].get("labels") or {}
    return all(each.holds(labels) for each in requirements)


def fields_meet(requirements: list[Requirement], obj: Obj) -> bool:
    """Tell whether an object's name and namespace meet all."""
    meta = obj["metadata"]
    fields = dict(zip(FIELDS, (meta["name"], meta.get("namespace", "")), strict=True))
    return all(each.holds(fields) for each in requirements)


def parse_labels(text: str) -> list[Requirement]:
    """Return the parts of a label selector; raise BadSelector for what is none."""
    tokens = _tokens(text)
    found: list[Requirement] = []
    while tokens:
        found.append(_requirement(tokens, text))
        if tokens and (tokens.pop(0) != "," or not tokens):
            raise BadSelector(f"unable to parse requirement: {text!r}")
    return found


def parse_fields(text: str) -> list[Requirement]:
    """Return the parts of a field selector; raise BadSelector for other fields than FIELDS."""
    found = []
    for part in filter(None, text.split(",")):
        match = _FIELD.fullmatch(part)
        if match is None:
            raise BadSelector(f"invalid selector: {text!r}; can't understand {part!r}")
        key, operator, value = match.groups()
        if key not in FIELDS:
            raise BadSelector(f"field label not supported: {key}")
        name = "notin" if operator == "!=" else "in"
        found.append(Requirement(key, name, frozenset({value})))
    return found


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadSelector(f"unable to parse requirement: {text!r}")
        tokens.append(match[1])
        at = match.end()
    return tokens


def _requirement(tokens: list[str], text: str) -> Requirement:
    if tokens[0] == "!":
        tokens.pop(0)
        return Requirement(_word(tokens, text), "!")
    key = _word(tokens, text)
    operator = tokens[0] if tokens else ","
    if operator == ",":
        return Requirement(key, "exists")
    tokens.pop(0)
    match operator:
        case "=" | "==":
            return Requirement(key, "in", frozenset({_value(tokens)}))
        case "!=":
            return Requirement(key, "notin", frozenset({_value(tokens)}))
        case "in" | "notin":
            return Requirement(key, operator, _set(tokens, text))
        case "<" | ">":
            value = _word(tokens, text)
            if not value.lstrip("-").isdigit():
                raise BadSelector(f"unable to parse requirement: {text!r}: not a number: {value!r}")
            return Requirement(key, operator, frozenset({value}))
    raise BadSelector(f"unable to parse requirement: {text!r}: unexpected {operator!r}")


def _word(tokens: list[str], text: str) -> str:
    if not tokens or not _WORD.fullmatch(tokens[0]):
        raise BadSelector(f"unable to parse requirement: {text!r}")
    return tokens.pop(0)


def _value(tokens: list[str]) -> str:
    """Return the value of an equality, which may be missing: that means the empty string."""
    return tokens.pop(0) if tokens and _WORD.fullmatch(tokens[0]) else ""


def _set(tokens: list[str], text: str) -> frozenset[str]:
    if not tokens or tokens.pop(0) != "(":
        raise BadSelector(f"unable to parse requirement: {text!r}: a set begins with '('")
    values = {_value(tokens)}
    while tokens:
        match tokens.pop(0):
            case ",":
                values.add(_value(tokens))
            case ")":
                return frozenset(values)
            case _:
                break
    raise BadSelector(f"unable to parse requirement: {text!r}: a set ends with ')'")


def _compare(have: str, operator: str, limit: str) -> bool:
    try:
        return int(have) < int(limit) if operator == "<" else int(have) > int(limit)
    except ValueError:
        return False
