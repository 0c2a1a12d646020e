"""Who needs what: pods and ingresses name ConfigMaps, Secrets and claims of their namespace."""

from __future__ import annotations

from syncer.kube.objects import Key


class References:
    """The edges from owners to what they name, kept in both directions."""

    def __init__(self) -> None:
        self._named_by_owner: dict[Key, frozenset[Key]] = {}
        self._owners: dict[Key, set[Key]] = {}

    def set(self, owner: Key, named: set[Key]) -> set[Key]:
        """Record all that `owner` names; return the keys that gained or lost an owner."""
        before = self._named_by_owner.get(owner, frozenset())
        after = frozenset(named)
        if before == after:
            return set()
        for key in before - after:
            owners = self._owners[key]
            owners.discard(owner)
            if not owners:
                del self._owners[key]
        for key in after - before:
            self._owners.setdefault(key, set()).add(owner)
        if after:
            self._named_by_owner[owner] = after
        else:
            del self._named_by_owner[owner]
        return set(before ^ after)

    def owners(self, key: Key) -> frozenset[Key]:
        """Return who names the key."""
        return frozenset(self._owners.get(key, ()))

    def wanted(self, key: Key) -> bool:
        """Tell whether anybody names the key."""
        return key in self._owners
