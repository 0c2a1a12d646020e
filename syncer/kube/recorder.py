"""Tells the tenant, by events on the virtual object, why something did not reach the host."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from syncer.errors import AlreadyExists, ApiError, Terminating, Unreachable
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import EVENTS

log = structlog.get_logger()
REMEMBERED = 4096
LONGEST_NAME = 200  # of the object, in the event's: names have at most 253 characters
AGAIN = 3000.0  # seconds: API servers forget events after an hour, and the refusal may stand longer
NOT_WRITTEN_AGAIN = 60.0  # seconds
COMPONENT = "virtualcluster-syncer"


class Recorder:
    """Writes each event once while the API server remembers it; `clock` gives seconds."""

    def __init__(self, virt: Client, clock: Callable[[], float]) -> None:
        self._virt = virt
        self._clock = clock
        self._told: OrderedDict[str, float] = OrderedDict()

    async def warn(self, virt_obj: Obj, reason: str, message: str) -> float:
        """Put a Warning event on the virtual object; failures are logged, for it is only news.

        Return in how many seconds it is to be told again, if it is still true then.
        """
        meta = virt_obj["metadata"]
        digest = hashlib.sha256(f"{meta['uid']}\0{reason}\0{message}".encode()).hexdigest()[:16]
        since = self._clock() - self._told.get(digest, float("-inf"))
        if since < AGAIN:
            return AGAIN - since
        self._told[digest] = self._clock()
        self._told.move_to_end(digest)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        namespace = meta.get("namespace") or "default"
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": event_name(meta["name"], digest), "namespace": namespace},
            "involvedObject": {
                "apiVersion": virt_obj.get("apiVersion", "v1"),
                "kind": virt_obj.get("kind", ""),
                "name": meta["name"],
                "namespace": meta.get("namespace", ""),
                "uid": meta["uid"],
            },
            "type": "Warning",
            "reason": reason,
            "message": message[:1024],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._virt.create(EVENTS, namespace, event)
        except (AlreadyExists, Terminating):
            pass  # told before the last restart, or nobody is left to read it
        except (ApiError, Unreachable) as error:
            self._told.pop(digest, None)
            log.warning("event write failed", reason=reason, error=str(error))
            return NOT_WRITTEN_AGAIN
        return AGAIN


def event_name(about: str, digest: str) -> str:
    """Return a valid name for an event about an object of that name."""
    return f"{about[:LONGEST_NAME].rstrip('-.')}.{digest}"
