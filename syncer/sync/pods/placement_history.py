"""Which virtual pods have had a host pod on a node: their work must not be begun again.

Their own status says so as a rule. Not yet, when the host pod went before it could be told: removed
the moment it ran, or while the syncer was away (threats R25). For those there are two witnesses:
what the watch has shown, and the host scheduler's event, which outlives the pod by an hour.
"""

from __future__ import annotations

from syncer import identity
from syncer.identity import virtual_key
from syncer.kube.objects import Key, Obj, annotation, uid_of
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.translate import pods as translate

SCHEDULED = "Scheduled"


class PodPast:
    """Remembers what `note` is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._placed: dict[Key, str] = {}
        """The virtual UID of each key's last host pod that had a node."""
        self._witnessed: set[str] = set()
        """Virtual UIDs of which only an event was left when we started: few, if any."""

    def learn(self) -> None:
        """Take over what the host's events tell of the time before this start."""
        waiting = {
            self._world.host_name(key): virt_pod
            for virt_pod in self._world.virt["pods"]
            if self._world.host_object(key := translate.key(virt_pod)) is None
        }
        for event in self._world.host["events"]:
            involved = event.get("involvedObject") or {}
            if event.get("reason") != SCHEDULED or involved.get("kind") != "Pod":
                continue
            virt_pod = waiting.get(involved.get("name", ""))
            # Of a name that comes again, the event may be about the one before.
            if virt_pod is not None and _made(event) >= _made(virt_pod):
                self._witnessed.add(uid_of(virt_pod))

    def placed(self, key: Key, virt_pod: Obj) -> bool:
        """Tell whether the virtual pod has had a host pod on a node."""
        uid = uid_of(virt_pod)
        return self._placed.get(key) == uid or uid in self._witnessed

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a pod that is gone on both sides."""
        self._placed.pop(key, None)

    def note(self, change: Change) -> None:
        """Take note of a change of a host pod."""
        new = change.new
        if new is None or not new["spec"].get("nodeName"):
            return
        key = virtual_key(new)
        if key is not None:
            self._placed[key] = annotation(new, identity.UID)


def _made(obj: Obj) -> str:
    """Return when an object was made; such times compare as text."""
    return str(obj["metadata"].get("creationTimestamp", ""))
