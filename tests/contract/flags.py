"""Which flags a version knows, without starting a server, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.contract.arguments import Place
from tests.contract.expected.flags import ASKED

_LAST = "no-such-flag-of-any-version"
_UNKNOWN = re.compile(r"flag provided but not defined: -+(\S+)")
# Such as a duration, which "1" is not: the flag is known then.
_INVALID = re.compile(r"invalid value .* for flag -+([a-z0-9-]+)")
TAKEN, REFUSED = "taken", "refused"


def seen(place: Place, found: dict[str, Any]) -> None:
    """See what `k3s --version` says, and what becomes of each flag."""
    end = place.start(place.data("flags"), "--version").end()
    found["version"] = {"code": end.code, "first": end.log.splitlines()[:1]}

    def said(flags: Sequence[str]) -> str:
        values = [f"--{each}={_VALUES.get(each, '1')}" for each in flags]
        return place.start(place.data("flags"), "server", *values, f"--{_LAST}").end().log

    found["flags"] = verdicts(ASKED, said)
    end = place.start(place.data("flags"), "server", f"--{_LAST}").end()
    found["unknown"] = {"code": end.code, "says": _first(end.log)}
    if not place.old:
        mode = "--egress-selector-mode=nonsense"
        args = [each for each in place.server() if not each.startswith("--egress")]
        end = place.start(place.data("flags"), *args, mode).end()
        found["egress"] = {"code": end.code, "says": "egress-selector-mode" in end.log}


_VALUES = {"config": "/dev/null"}
"""Of flags that are looked at before the others are read."""


def verdicts(flags: Sequence[str], said: Callable[[Sequence[str]], str]) -> dict[str, str]:
    """Return what becomes of each flag, by what a server says that is given all of these.

    Flags are read one by one, and the first that is unknown, or whose value is wrong, ends it: all
    before that one are known. Behind the last comes one that nobody knows.
    """
    found: dict[str, str] = {}
    rest = list(flags)
    while rest:
        log = said(rest)
        unknown, invalid = _UNKNOWN.search(log), _INVALID.search(log)
        named = (unknown or invalid or ["", ""])[1]
        if named not in (*rest, _LAST):
            return found | dict.fromkeys(rest, f"not told: {log[-300:]}")
        known = rest.index(named) if named in rest else len(rest)
        found |= dict.fromkeys(rest[:known], TAKEN)
        if named in rest:
            found[named] = REFUSED if unknown else TAKEN
        rest = rest[known + 1 :]
    return found


def _first(log: str) -> str:
    found = _UNKNOWN.search(log)
    return found[0].replace(_LAST, "…") if found else log[-300:]
