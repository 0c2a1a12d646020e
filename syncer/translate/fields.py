"""The verdicts on fields of the specs that reach the host, and how a verdict is applied.

The tables stand in the module of their kind: pods, containers, volumes, services and so on.

COPY    the host gets the value as it is
MAP     the host gets what a translate function made of it
DROP    the host gets nothing; the reason stands beside the field
REFUSE  any value but an empty one keeps the object off the host
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from syncer.errors import Refused
from syncer.kube.objects import Obj


class Verdict(Enum):
    """What becomes of a field on its way to the host."""

    COPY = "copy"
    MAP = "map"
    DROP = "drop"
    REFUSE = "refuse"


COPY, MAP, DROP, REFUSE = Verdict.COPY, Verdict.MAP, Verdict.DROP, Verdict.REFUSE


def apply(table: dict[str, Verdict], source: Obj, mapped: Obj, *, where: str) -> Obj:
    """Return the host's form of `source`.

    `mapped` holds the values that the MAP fields become; a MAP field that is not in it is left out.
    Raises Refused for a field of verdict REFUSE that is set and for one without a verdict.
    """
    result: Obj = {}
    for name, value in source.items():
        verdict = table.get(name)
        if verdict is COPY:
            result[name] = value
        elif (verdict is None or verdict is REFUSE) and not _empty(value):
            why = "is not offered" if verdict is REFUSE else "is not known to this syncer"
            raise Refused("FieldRefused", f"{where}.{name} {why} in a virtual cluster: remove it")
    result.update({name: value for name, value in mapped.items() if value is not None})
    return result


def _empty(value: Any) -> bool:
    """Tell whether a field is as good as not there; `{}` is not: `gitRepo: {}` is a volume."""
    return value is None or value is False or value in ("", [])
