"""The brake: no list, however complete it looks, makes the syncer delete most of a cluster.

Deletions that a watch showed one by one are the tenant's wish. Those concluded from absence in a
list are held back when there are too many of them at once, when the datastore has gone back in
time, and when it is not the one that the host objects came from; the operator then decides (threats
R4, R29). After a backup was restored, whatever is newer than it is held back, be it a single pod:
nobody inside knows of it.

The client that writes to the host asks `allows` before each deletion, so that no caller can forget
to. What is held, and why, is kept on the anchor (sync/holds.py): a restart or a failover must not
forget it.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from syncer.identity import PREFIX, virtual_key
from syncer.kube.objects import Key, Obj
from syncer.state.token_index import KIND as TOKENS
from syncer.state.token_index import holders

MOST = 25  # a small cluster may lose everything in one rollout
SHARE = 0.5
BEHIND = 100  # commits: a crash may cost the last few, an old copy of a datastore lacks more
CONFIRM = PREFIX + "confirm-deletions"
"""Set on the anchor ConfigMap by the operator to let held-back deletions go."""
CLUSTER = PREFIX + "kube-system-uid"
"""On the anchor: the kube-system namespace of the cluster whose twins the host objects are."""
RESTORED = PREFIX + "restored"
"""On the anchor: the kube-system UID of a backup that was put in place. Its datastore is the right
one, and the host's newer objects are nobody's mistake; kept until none of those is left."""
HELD = "held-deletions"
"""The key in the anchor's `binaryData` under which what is held is kept: JSON, compressed."""
FOLLOWERS = frozenset({"configmaps", "secrets", "certificates"})
"""What a held pod or Ingress may need. Their owners are missing inside, so that nothing names them
any more: while anything is held, none of these is deleted."""


class DeletionBrake:
    """Knows which virtual keys' host objects must not be deleted, and why."""

    def __init__(self) -> None:
        self._held: dict[Key, str] = {}
        self._followed: set[Key] = set()

    def __len__(self) -> int:
        """Return how many deletions are held."""
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        """Tell whether the deletion of this very key is held."""
        return key in self._held

    @property
    def held(self) -> Mapping[Key, str]:
        """Return what is held, and why."""
        return self._held

    def allows(self, host_obj: Obj) -> bool:
        """Tell whether a host object may be deleted; what is not a virtual object's always may."""
        key = virtual_key(host_obj)
        if key is None or not self._held:
            return True
        if key.kind == TOKENS:
            pods = (Key("pods", key.namespace, name) for name in holders(host_obj))
            return not any(pod in self._held for pod in pods)
        if key.kind in FOLLOWERS and key not in self._held:
            self._followed.add(key)
            return False
        return key not in self._held

    def hold(self, keys: Iterable[Key], why: str) -> None:
        """Hold the deletion of these keys' host objects; a reason that is there already stays."""
        for key in keys:
            self._held.setdefault(key, why)

    def release(self, key: Key) -> bool:
        """Let go of one key; tell whether it was held."""
        return self._held.pop(key, None) is not None

    def release_all(self) -> set[Key]:
        """Let everything go; return the keys that are to be looked at again."""
        keys = {*self._held, *self._followed}
        self._held.clear()
        self._followed.clear()
        return keys

    def only_followers(self) -> bool:
        """Tell whether nothing is held but what only follows something else."""
        return all(key.kind in FOLLOWERS for key in self._held)


def cure(anchor: str) -> str:
    """Return the command by which the operator lets held-back deletions go."""
    return f"kubectl annotate configmap {anchor} {CONFIRM}=yes"


def holds(missing: Collection[Key], known: int, behind: int = 0) -> bool:
    """Tell whether so many missing objects, of so many known, are too many to believe.

    `behind`: by how many commits the list is older than what was seen before it.
    """
    if behind > BEHIND:
        return bool(missing)
    return len(missing) > MOST and len(missing) > SHARE * known


def holds_orphans(orphans: Collection[Key], twins: Collection[Key]) -> bool:
    """Tell whether so many host objects lack their virtual object that none of them may go.

    Each kind is judged for itself, and all of them together: many objects of a kind that is whole
    must not outvote those of another that is missing, and many kinds of a few may be missing too.
    """
    by_kind = {key.kind for key in orphans}
    return holds(orphans, len(twins)) or any(
        holds(
            [key for key in orphans if key.kind == kind],
            sum(key.kind == kind for key in twins),
        )
        for kind in by_kind
    )


def encode(held: Mapping[Key, str]) -> str:
    """Return what is held as it stands in `binaryData`: some 10 bytes for each key."""
    by_reason: dict[str, list[list[str]]] = {}
    for key in sorted(held):
        by_reason.setdefault(held[key], []).append([*key])
    packed = gzip.compress(orjson.dumps(by_reason), mtime=0)
    return base64.b64encode(packed).decode()


def decode(text: str) -> dict[Key, str]:
    """Return what `encode` wrote; nothing of what somebody has spoilt."""
    try:
        by_reason: Any = orjson.loads(gzip.decompress(base64.b64decode(text, validate=True)))
        return {Key(*key): str(why) for why, keys in by_reason.items() for key in keys}
    except (ValueError, OSError, EOFError, TypeError, AttributeError):
        return {}
