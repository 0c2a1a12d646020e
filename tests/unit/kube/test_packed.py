"""Objects that are kept as JSON: what goes in comes out, and nothing of it is shared."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest

from syncer.kube.objects import Obj, Ref
from syncer.kube.packed import Shelf

A, B, C = Ref("x", "a"), Ref("x", "b"), Ref("", "a")


def _of(ref: Ref) -> Obj:
    return {"metadata": {"namespace": ref.namespace, "name": ref.name}, "text": "\u0085 \u2028 é"}


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf()
    for ref in (A, B, C):
        made.put(ref, _of(ref))
    return made


def test_what_goes_in_comes_out(shelf: Shelf) -> None:
    assert [shelf.get(each) for each in (A, B, C)] == [_of(each) for each in (A, B, C)]
    assert shelf.get(Ref("y", "a")) is shelf.get(Ref("x", "c")) is None
    assert (len(shelf), set(shelf.refs())) == (3, {A, B, C})


@pytest.mark.parametrize(("namespace", "names"), [("x", ["a", "b"]), ("", ["a"]), ("y", [])])
def test_objects_of_a_namespace(shelf: Shelf, namespace: str, names: list[str]) -> None:
    assert sorted(each["metadata"]["name"] for each in shelf.within(namespace)) == names


def test_a_change_to_what_was_put_or_got_is_not_kept(shelf: Shelf) -> None:
    put = _of(A)
    shelf.put(A, put)
    got = shelf.get(A)
    assert got is not None
    put["text"] = got["text"] = "other"
    assert shelf.get(A) == _of(A)


def test_what_comes_and_goes_meanwhile_does_not_disturb(shelf: Shelf) -> None:
    for walk in (shelf.objects(), shelf.within("x")):
        seen = []
        for each in walk:
            shelf.put(Ref("x", "new"), _of(A))
            shelf.remove(Ref("x", "new"))
            seen.append(each["metadata"]["name"])
        assert sorted(seen) in (["a", "a", "b"], ["a", "b"])


def test_what_is_removed_is_gone_and_only_once(shelf: Shelf) -> None:
    shelf.remove(A)
    shelf.remove(C)
    assert (len(shelf), shelf.refs()) == (1, [B])
    with pytest.raises(KeyError):
        shelf.remove(A)


def test_objects_take_the_memory_of_their_json() -> None:
    many, shelf = 200, Shelf()
    obj = {**_of(A), "text": ["x" * 40] * 50}
    tracemalloc.start()
    for number in range(many):
        shelf.put(Ref("x", str(number)), obj)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / many < 1.2 * len(orjson.dumps(obj))
