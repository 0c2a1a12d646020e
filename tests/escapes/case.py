"""What a case is: what the tenant sends, what must become of it, and the twin that is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from tests.e2e.cluster import Obj

MANAGED_BY = "virtualcluster.dev/managed-by"
UID = "virtualcluster.dev/uid"
KIND = "virtualcluster.dev/kind"
TENANT = "tenant.virtualcluster.dev/"


class Want(Enum):
    """What must become of an object of the tenant's."""

    REFUSED = "refused"
    """No host object, and a Warning on the virtual one."""
    STRIPPED = "stripped"
    """A host object that `holds` finds harmless."""
    INSIDE = "inside"
    """No host object, and nothing to be told: it is nobody's business but the tenant's."""


@dataclass
class Seen:
    """What the verdict is about."""

    host: Obj
    """The twin; empty when there is none."""
    virt: Obj
    every: dict[str, list[Obj]]
    """All objects of the host namespace by kind, and some cluster-scoped kinds."""
    facts: dict[str, str]

    @property
    def spec(self) -> Obj:
        """Return the twin's spec."""
        spec: Obj = self.host.get("spec") or {}
        return spec

    @property
    def meta(self) -> Obj:
        """Return the twin's metadata."""
        meta: Obj = self.host["metadata"]
        return meta

    @property
    def first(self) -> Obj:
        """Return the twin's first container."""
        container: Obj = self.spec["containers"][0]
        return container

    def text(self) -> str:
        """Return the twin as text."""
        return json.dumps(self.host)


Check = Callable[[Seen], bool]


@dataclass(frozen=True)
class Step:
    """A later act of the tenant's on one of its objects; `None` as patch deletes it."""

    patch: Obj | None
    sub: str = ""
    kind: str = ""
    """Of which of the case's objects; the judged one's if empty."""


@dataclass(frozen=True)
class Case:
    """One try. Of `send` and `allowed` the last object is the judged one, the others support it."""

    id: str
    tries: str
    send: tuple[Obj, ...]
    want: Want
    holds: Check = lambda _seen: True
    allowed: tuple[Obj, ...] = ()
    shows: Check = lambda _seen: True
    """What the twin of the allowed form must show."""
    told: bool = False
    """Of what is stripped, the tenant must read a Warning."""
    foreign: tuple[Obj, ...] = ()
    """Objects of others that are on the host before, and must be the same afterwards."""
    early: tuple[Step, ...] = ()
    """Acts before the judged object is sent, when the others are."""
    then: tuple[Step, ...] = ()
    """Acts once the judged object has reached the host, or was refused."""
    allowed_then: tuple[Step, ...] = ()

    @property
    def row(self) -> str:
        """Return the row of the threat list."""
        return self.id.partition("-")[0]


def refused(
    id_: str, tries: str, bad: Obj | tuple[Obj, ...], good: Obj | tuple[Obj, ...], **more: Any
) -> Case:
    """Return a case of an object that never reaches the host."""
    return Case(id_, tries, _all(bad), Want.REFUSED, allowed=_all(good), **more)


def stripped(id_: str, tries: str, bad: Obj | tuple[Obj, ...], holds: Check, **more: Any) -> Case:
    """Return a case of an object that reaches the host without what is bad about it."""
    if isinstance(more.get("allowed"), dict):
        more["allowed"] = (more["allowed"],)
    return Case(id_, tries, _all(bad), Want.STRIPPED, holds=holds, **more)


def inside(id_: str, tries: str, bad: Obj | tuple[Obj, ...], holds: Check, **more: Any) -> Case:
    """Return a case of an object that has no business on the host."""
    if isinstance(more.get("allowed"), dict):
        more["allowed"] = (more["allowed"],)
    return Case(id_, tries, _all(bad), Want.INSIDE, holds=holds, **more)


def _all(objects: Obj | tuple[Obj, ...]) -> tuple[Obj, ...]:
    return objects if isinstance(objects, tuple) else (objects,)


def filled(value: Any, facts: dict[str, str]) -> Any:
    """Return data with its `@words` replaced by facts."""
    text = json.dumps(value)
    for word in sorted(facts, key=len, reverse=True):
        text = text.replace(f"@{word}", facts[word])
    return json.loads(text)


def placed(
    case: Case, facts: dict[str, str], number: int
) -> tuple[Case, dict[str, str], dict[str, str]]:
    """Return a case with its names and facts filled in, and the facts of both its forms."""
    name = f"{case.id.lower()}-{number}"
    bad = {**facts, "name": name}
    good = {**facts, "name": f"{name}-ok"}
    made = replace(
        case,
        send=tuple(filled(each, bad) for each in case.send),
        allowed=tuple(filled(each, good) for each in case.allowed),
        foreign=tuple(filled(each, bad) for each in case.foreign),
        early=tuple(replace(each, patch=filled(each.patch, bad)) for each in case.early),
        then=tuple(replace(each, patch=filled(each.patch, bad)) for each in case.then),
        allowed_then=tuple(replace(e, patch=filled(e.patch, good)) for e in case.allowed_then),
    )
    return made, bad, good


@dataclass
class Result:
    """What came of a case."""

    id: str
    tries: str
    problem: str = ""
    """Empty when it held."""
    facts: dict[str, str] = field(default_factory=dict)
    known: str = ""
    """Why it is known not to hold."""

    @property
    def failed(self) -> bool:
        """Tell whether it did not hold, and nobody knew."""
        return bool(self.problem) and not self.known

    @property
    def row(self) -> str:
        """Return the row of the threat list."""
        return self.id.partition("-")[0]
