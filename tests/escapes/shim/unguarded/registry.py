"""What a guard is, and how it is taken out and put back."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@functools.cache
def place(dotted: str) -> tuple[Any, str]:
    """Return the module or class that has an attribute, and the attribute's name."""
    parts = dotted.split(".")
    for at in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for name in parts[at:-1]:
            found = getattr(found, name)
        return found, parts[-1]
    raise LookupError(dotted)


class Patch:
    """Takes attributes and items away, and knows how to put them back."""

    def __init__(self) -> None:
        self._back: list[Callable[[], None]] = []

    def attr(self, dotted: str, value: Any) -> None:
        """Give an attribute another value."""
        owner, name = place(dotted)
        before = owner.__dict__[name]
        setattr(owner, name, value)
        self._back.append(lambda: setattr(owner, name, before))

    def wrap(self, dotted: str, make: Callable[[Any], Any]) -> None:
        """Give a function another that may call the one before."""
        owner, name = place(dotted)
        self.attr(dotted, make(owner.__dict__[name]))

    def items(self, dotted: str, **values: Any) -> None:
        """Give keys of a table other values."""
        owner, name = place(dotted)
        table = getattr(owner, name)
        for key, value in values.items():
            before = table.get(key, _ABSENT)
            table[key] = value
            self._back.append(functools.partial(_restore, table, key, before))

    def restore(self) -> None:
        """Put all back."""
        while self._back:
            self._back.pop()()


def _restore(table: dict[str, Any], key: str, before: Any) -> None:
    if before is _ABSENT:
        del table[key]
    else:
        table[key] = before


@dataclass(frozen=True)
class Guard:
    """One guard."""

    name: str
    where: str
    cases: tuple[str, ...]
    """How the names of the cases begin that must notice."""
    out: Callable[[Patch], None]


GUARDS: dict[str, Guard] = {}


def guard(name: str, where: str, *cases: str) -> Callable[[Callable[[Patch], None]], None]:
    """Register what takes a guard out."""

    def register(out: Callable[[Patch], None]) -> None:
        assert name not in GUARDS, name
        GUARDS[name] = Guard(name, where, cases, out)

    return register
