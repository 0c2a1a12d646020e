"""Which of the host's Secrets hold which pods' tokens, kept up to date. No I/O.

Pods of one service account whose creation waits together share a Secret, so that a burst of pods
is not a burst of Secrets too. Who is in it stands in an annotation: names and UIDs.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from syncer import identity
from syncer.identity import virtual_key
from syncer.kube.objects import Obj, annotation
from syncer.kube.store import Change, Store

KIND = "tokens"
HELD = identity.PREFIX + "pods"


def holders(secret: Obj) -> dict[str, str]:
    """Return the pods, name → UID, whose tokens a host Secret is for; none if it is for others.

    Secrets from before several pods shared one say whose they are by the marks of all twins; so
    does one of which the annotation was spoilt.
    """
    key = virtual_key(secret)
    if key is None or key.kind != KIND:
        return {}
    try:
        said = orjson.loads(annotation(secret, HELD))
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and all(isinstance(uid, str) for uid in said.values()):
        return said
    return {key.name: annotation(secret, identity.UID)}


def slim(secret: Obj) -> Obj:
    """Return a Secret of the host as it is kept: of tokens only which ones there are.

    They are long, one for each pod, and never compared: when they end stands in an annotation.
    """
    key = virtual_key(secret)
    if key is None or key.kind != KIND or not secret.get("data"):
        return secret
    return {**secret, "data": dict.fromkeys(secret["data"], "")}


class TokenIndex:
    """Looks at the host's Secrets as they come and go."""

    def __init__(self, host: Store) -> None:
        self._holders: dict[str, dict[str, str]] = {}
        """By the Secret's name."""
        self._secrets: dict[tuple[str, str], set[str]] = {}
        """By the pod's virtual namespace and name."""
        host.listen(self._changed)

    def __len__(self) -> int:
        """Return how many Secrets hold tokens."""
        return len(self._holders)

    def holders(self, secret: str) -> Mapping[str, str]:
        """Return the pods, name → UID, whose tokens the Secret of this name is for."""
        return self._holders.get(secret, {})

    def secrets_of(self, namespace: str, pod: str) -> list[str]:
        """Return the names of the Secrets that hold tokens of a pod, or of an earlier one."""
        return sorted(self._secrets.get((namespace, pod), ()))

    def secret_of(self, namespace: str, pod: str, uid: str) -> str | None:
        """Return the name of the Secret that holds tokens of this very pod, if there is one."""
        for name in self.secrets_of(namespace, pod):
            if self._holders[name].get(pod) == uid:
                return name
        return None

    def _changed(self, change: Change) -> None:
        if change.old is not None:
            self._note(change.old, there=False)
        if change.new is not None:
            self._note(change.new, there=True)

    def _note(self, secret: Obj, *, there: bool) -> None:
        key, held = virtual_key(secret), holders(secret)
        if key is None or not held:
            return
        name = secret["metadata"]["name"]
        for pod in held:
            place = key.namespace, pod
            named = self._secrets.setdefault(place, set())
            if there:
                named.add(name)
            else:
                named.discard(name)
            if not named:
                del self._secrets[place]
        if there:
            self._holders[name] = held
        else:
            self._holders.pop(name, None)
