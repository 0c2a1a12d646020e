r"""Bytes of a watch to events, without I/O.

An API server sends one JSON object per line. Lines are split on b"\n" and on nothing else: text
inside the JSON may hold U+0085 or U+2028, at which `str.splitlines` and several HTTP libraries
would cut it. A line may be several MB long (a ConfigMap of 1 MiB grows under escaping), so the
buffer remembers how far it has searched and looks at every byte once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from syncer.errors import ApiError
from syncer.kube.api_answers import from_status
from syncer.kube.objects import Obj


class Event(NamedTuple):
    """One change: ADDED, MODIFIED, DELETED or BOOKMARK, with the object as it then was."""

    type: str
    obj: Obj


class Lines:
    """Collects chunks of any size and gives back whole lines."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk; return the lines that it completed, without their newline."""
        self._buffer += chunk
        if b"\n" not in chunk:
            self._searched = len(self._buffer)
            return []
        end = self._buffer.rindex(b"\n", self._searched)
        whole, self._buffer = bytes(self._buffer[:end]), self._buffer[end + 1 :]
        self._searched = len(self._buffer)
        return [line for line in whole.split(b"\n") if line.strip()]


def decode(line: bytes) -> Event:
    """Return the line's event.

    Raises the typed ApiError that an ERROR event carries (Gone for an expired version, whatever
    form it has), and ApiError 500 for a line that is not an event.
    """
    try:
        raw: Any = orjson.loads(line)
        kind, obj = raw["type"], raw["object"]
        if kind != "ERROR":
            _ = obj["metadata"]["resourceVersion"]  # whoever follows the watch goes on from there
            return Event(kind, obj)
        expired = obj.get("reason") in ("Expired", "Gone")
        code = 410 if expired else int(obj.get("code") or 500)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ApiError(500, "BadStream", "a watch line is not an event") from error
    raise from_status(code, obj, None)
