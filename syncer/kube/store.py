"""What is known of one kind on one side: the objects as last seen, by namespace and name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from syncer.kube.objects import Obj, Ref, ref_of
from syncer.kube.packed import Shelf

TOMBSTONES = 4096  # enough for every deletion that can race with an answer still under way
WHO = ("namespace", "name", "uid", "resourceVersion")


def _version(obj: Obj) -> int:
    """Return the resource version as a number.

    Comparing versions of one resource type as numbers is promised since KEP-5504; before that every
    API server on etcd or kine kept to it.
    """
    try:
        return int(obj["metadata"].get("resourceVersion") or 0)
    except ValueError:
        return 0


class Change(NamedTuple):
    """What a store's listener hears: an object as it was and as it is, one of them None at most."""

    old: Obj | None
    new: Obj | None
    initial: bool = False
    """It came from a list, not from a live event or from an answer to a write."""

    @property
    def obj(self) -> Obj:
        """Return the object as it is now, or as it last was."""
        for obj in (self.new, self.old):
            if obj is not None:
                return obj
        raise ValueError("a change is about an object")


Listener = Callable[[Change], None]


class Store:
    """Objects by place. Listeners hear of each real change, after it was made."""

    def __init__(self) -> None:
        self._objects = Shelf()
        self._tombstones: OrderedDict[Ref, int] = OrderedDict()
        self._listeners: list[Listener] = []
        self._written: set[Ref] = set()
        self._listed: set[Ref] = set()
        self._listing = False

    def __iter__(self) -> Iterator[Obj]:
        """Iterate over all objects, in no order."""
        return self._objects.objects()

    def within(self, namespace: str) -> Iterator[Obj]:
        """Iterate over the objects of a namespace, in no order."""
        return self._objects.within(namespace)

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> Obj | None:
        """Return the object, or None; it is the caller's own."""
        return self._objects.get(Ref(namespace, name))

    def listen(self, listener: Listener, *, replay: bool = False) -> None:
        """Call the listener on every change from now on.

        `replay`: first for each object that is there, as though a list had just shown it.
        """
        self._listeners.append(listener)
        for obj in self if replay else ():
            listener(Change(None, obj, initial=True))

    def put(self, obj: Obj, *, initial: bool = False) -> None:
        """Take an object that a list or a watch showed."""
        ref = ref_of(obj)
        old = self._objects.get(ref)
        if old is not None:
            if initial:
                # A restored datastore gives versions out a second time: only equality counts.
                known = old == obj
            else:
                # The watch repeats what the answer to our own write has shown, or lags behind it.
                same = old["metadata"].get("resourceVersion") == obj["metadata"]["resourceVersion"]
                known = same or _version(old) > _version(obj)
            if known:
                return
        self._objects.put(ref, obj)
        self._tell(Change(old, obj, initial))

    def put_written(self, obj: Obj) -> None:
        """Take the answer to a write, unless a watch already showed a later state."""
        ref = ref_of(obj)
        if self._tombstones.get(ref, -1) >= _version(obj):
            return
        old = self._objects.get(ref)
        if old is None or _version(old) < _version(obj):
            obj["metadata"].pop("managedFields", None)  # the watch's objects have none either
            if self._listing:
                self._written.add(ref)
            self._objects.put(ref, obj)
            self._tell(Change(old, obj))

    def drop(self, obj: Obj) -> None:
        """Take a deletion that a watch showed."""
        ref = ref_of(obj)
        self._tombstones[ref] = _version(obj)
        self._tombstones.move_to_end(ref)
        if len(self._tombstones) > TOMBSTONES:
            self._tombstones.popitem(last=False)
        old = self._objects.get(ref)
        if old is not None and _version(old) <= _version(obj):
            self._objects.remove(ref)
            self._tell(Change(old, None))

    def fade(self, obj: Obj) -> None:
        """Keep of an object only who it is, if it is still this one: its content has had its use.

        Listeners hear nothing; a later change brings the whole object again.
        """
        ref, meta = ref_of(obj), obj["metadata"]
        known = self._objects.get(ref)
        if known is not None and _version(known) == _version(obj):
            who = {field: meta[field] for field in WHO if field in meta}
            self._objects.put(ref, {"metadata": who})

    def begin_list(self) -> None:
        """Tell that a list is asked for: what is written from now on is newer than it."""
        self._listing = True
        self._written.clear()
        self._listed.clear()

    def put_page(self, objects: list[Obj]) -> None:
        """Take a part of the list; if no `end_list` follows, these are still objects that are."""
        for obj in objects:
            ref = ref_of(obj)
            self._listed.add(ref)
            self.put(obj, initial=ref not in self._written)

    def end_list(self) -> list[Obj]:
        """Tell that this was all of it; return what was known before and is not in it.

        The missing ones are gone from the store and their listeners told. What was written since
        `begin_list` stays as it is: the list may be older, and the watch from its version tells.
        """
        known = self._listed | self._written
        self._listing, self._written, self._listed = False, set(), set()
        missing = [
            obj
            for ref in self._objects.refs()
            if ref not in known and (obj := self._objects.get(ref))
        ]
        for obj in missing:
            self._objects.remove(ref_of(obj))
            self._tell(Change(obj, None, initial=True))
        return missing

    def replace(self, objects: list[Obj]) -> list[Obj]:
        """Take a complete list of one page."""
        self.put_page(objects)
        return self.end_list()

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
