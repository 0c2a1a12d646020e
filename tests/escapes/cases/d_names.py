"""Rows D1 and D2: names that are one on the host."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import (
    service,
)
from tests.escapes.case import Case, Seen, stripped

LONG = "l" * 52


def _own_name(seen: Seen) -> bool:
    """Tell whether no other twin of the kind has this twin's marks, or this one's name."""
    twins = [
        each for each in seen.every["Service"] if each["metadata"]["name"] == seen.meta["name"]
    ]
    return (
        len(twins) == 1
        and seen.meta["annotations"]["virtualcluster.dev/name"] == seen.virt["metadata"]["name"]
    )


def _named(name: str, namespace: str = "@ns") -> Obj:
    made = service()
    return {**made, "metadata": {**made["metadata"], "name": name, "namespace": namespace}}


def _namespace(name: str) -> Obj:
    return {"kind": "Namespace", "metadata": {"name": name}}


CASES: list[Case] = [
    *(
        stripped(
            f"D1-{label}",
            "two names that are one when they are joined",
            (_namespace(theirs[1]), _namespace(ours[1]), _named(*theirs), _named(*ours)),
            _own_name,
            allowed=service(),
            shows=lambda seen: seen.meta["name"].endswith("-x-" + seen.facts["rel"]),
        )
        for label, theirs, ours in (
            ("name", ("a@num-x-b", "c@num"), ("a@num", "b-x-c@num")),
            ("release", ("d@num", "e@num-x-@rel"), ("d@num-x-e@num", "@rel")),
            ("overlap", ("f@num-x", "x-g@num"), ("f@num-x-x", "g@num")),
        )
    ),
    *(
        stripped(
            f"D2-{label}",
            "long names that begin alike",
            (_named(f"{LONG}{first}@num"), _named(f"{LONG}{second}@num")),
            _own_name,
            allowed=service(),
        )
        for label, first, second in (("tail", "a", "b"), ("digit", "1", "2"))
    ),
    stripped(
        "D2-width",
        "a name that others could grind: its hash is wide enough",
        (_named(f"{LONG}w@num"),),
        lambda seen: len(seen.meta["name"].rpartition("-")[2]) * 4 >= 128,
        allowed=service(),
    ),
]
