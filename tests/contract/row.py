"""One assertion: what is looked at, and what must be seen there in each version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Seen = dict[str, Any]
"""Scenario → what was seen, and `release`, such as `v1.34.4+k3s1`."""

OLD, MODERN = range(16, 19), range(30, 100)
"""The two families: the first users' versions, and those with presets of their own hosts."""


@dataclass(frozen=True)
class Row:
    """An assertion."""

    name: str
    read: Callable[[Seen], object]
    wanted: Callable[[int], object]
    """Minor → what must be seen: a value, or a `OneOf`."""
    minors: tuple[int, ...] = ()
    """The minors that it is asserted of; all if none is named."""

    def applies(self, minor: int) -> bool:
        """Tell whether it says anything about a minor."""
        return not self.minors or minor in self.minors


@dataclass(frozen=True)
class OneOf:
    """Any of these values is right."""

    values: tuple[object, ...]


def problem(row: Row, seen: Seen, minor: int) -> str:
    """Return what is wrong, or nothing."""
    try:
        found = row.read(seen)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        broken = [f"{each}: {s['broken']}" for each, s in seen.items() if _broke(s)]
        return "; ".join(broken) or f"not seen: {type(error).__name__} {error}"
    wanted = row.wanted(minor)
    if isinstance(wanted, OneOf):
        return "" if found in wanted.values else f"{found!r}, not one of {wanted.values!r}"
    return "" if found == wanted else differing(found, wanted)


def differing(found: object, wanted: object) -> str:
    """Return only that in which two values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return "; ".join(
            f"{key}: {_shown(found, key)}, not {_shown(wanted, key)}"
            for key in sorted({*found, *wanted}, key=str)
            if _shown(found, key) != _shown(wanted, key)
        )
    if isinstance(found, list) and isinstance(wanted, list):
        more = [each for each in found if each not in wanted]
        less = [each for each in wanted if each not in found]
        if more or less:
            return "; ".join(
                part
                for part in (f"more: {more}" if more else "", f"missing: {less}" if less else "")
                if part
            )
    return f"{found!r}, not {wanted!r}"


def at_least(minor: int) -> range:
    """Return the minors from one on."""
    return range(minor, 100)


def always(value: object) -> Callable[[int], object]:
    """Return what wants the same in every version."""
    return lambda _: value


def by_family(old: object, modern: object) -> Callable[[int], object]:
    """Return what wants one thing up to 1.18, and another from 1.30 on."""
    return lambda minor: old if minor in OLD else modern


def _shown(values: dict[Any, Any], key: Any) -> str:
    return repr(values[key]) if key in values else "nothing"


def _broke(value: object) -> bool:
    return isinstance(value, dict) and "broken" in value
