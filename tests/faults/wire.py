"""What a request to an API server is about, read from its method and path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

WRITES = ("create", "update", "patch", "delete")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# They ask something and store nothing.
_QUESTIONS = ("selfsubjectrulesreviews", "token")


class Asked(NamedTuple):
    """One request."""

    side: str
    """Of which server: "host" or "virt"."""
    verb: str
    resource: str
    """The plural, with the subresource after a slash."""
    namespace: str
    name: str

    @property
    def writes(self) -> bool:
        """Tell whether it changes what the server stores."""
        return self.verb in WRITES and self.resource.rpartition("/")[2] not in _QUESTIONS

    def __str__(self) -> str:
        return f"{self.side} {self.verb} {self.resource} {self.namespace}/{self.name}"


def read(side: str, method: str, path: str, query: Mapping[str, str], body: object) -> Asked:
    """Return what is asked; a name that is only in the body counts."""
    parts = [part for part in path.split("/") if part]
    # api/v1/… or apis/<group>/<version>/…
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, sub = (*rest, "", "", "")[:3]
    if method == "GET":
        watches = query.get("watch") in ("1", "true")
        verb = "watch" if watches else "get" if name else "list"
    else:
        verb = _VERBS.get(method, method.lower())
    if not name and isinstance(body, dict):
        name = str((body.get("metadata") or {}).get("name", ""))
    return Asked(side, verb, f"{resource}/{sub}" if sub else resource, namespace, name)


Match = Callable[[Asked], bool]


def everything(_asked: Asked) -> bool:
    """Match each request."""
    return True


def writes(asked: Asked) -> bool:
    """Match what changes something."""
    return asked.writes


def watches(asked: Asked) -> bool:
    """Match watches."""
    return asked.verb == "watch"


def lists(asked: Asked) -> bool:
    """Match lists."""
    return asked.verb == "list"
