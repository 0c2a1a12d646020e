"""The brake: no list, however complete it looks, makes the syncer delete most of a cluster.

Deletions that a watch showed one by one are the tenant's wish. Those concluded from absence in a
list are held back when there are too many of them at once, when the datastore has gone back in
time, and when it is not the one that the host objects came from; the operator then decides (threats
R4, R29). After a backup was restored, whatever is newer than it is held back, be it a single pod:
nobody inside knows of it.
"""

from __future__ import annotations

from collections.abc import Collection

from syncer.identity import PREFIX
from syncer.kube.objects import Key

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
