"""Where a store keeps its objects: as JSON, decoded each time that one is asked for.

A decoded pod takes five times the memory of its JSON, in hundreds of objects that Python's garbage
collector looks through again and again; decoding it takes 20 to 50 µs, and a pod is asked for
some dozen times in its life.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from syncer.kube.objects import Obj, Ref


class Shelf:
    """Objects by place. What is taken out is the taker's own: a change to it changes nothing."""

    def __init__(self) -> None:
        self._packed: dict[str, dict[str, bytes]] = {}
        """By namespace and name."""

    def __len__(self) -> int:
        return sum(len(each) for each in self._packed.values())

    def get(self, ref: Ref) -> Obj | None:
        """Return the object, or None."""
        packed = self._packed.get(ref.namespace, {}).get(ref.name)
        return None if packed is None else orjson.loads(packed)

    def put(self, ref: Ref, obj: Obj) -> None:
        """Keep the object."""
        # A copy: orjson's own bytes keep the buffer that they were written in, 8 KB for 2 of JSON.
        packed = memoryview(orjson.dumps(obj)).tobytes()
        self._packed.setdefault(ref.namespace, {})[ref.name] = packed

    def remove(self, ref: Ref) -> None:
        """Keep it no longer; raises KeyError if it is not there."""
        place = self._packed[ref.namespace]
        del place[ref.name]
        if not place:
            del self._packed[ref.namespace]

    def refs(self) -> list[Ref]:
        """Return the places, in no order."""
        return [Ref(namespace, name) for namespace, each in self._packed.items() for name in each]

    def within(self, namespace: str) -> Iterator[Obj]:
        """Iterate over the objects of a namespace, in no order, as it is when this is called."""
        packed = list(self._packed.get(namespace, {}).values())
        return (orjson.loads(each) for each in packed)

    def objects(self) -> Iterator[Obj]:
        """Iterate over the objects, in no order, as they are when this is called."""
        packed = [each for place in self._packed.values() for each in place.values()]
        return (orjson.loads(each) for each in packed)
