"""What is known of one kind: which of two states wins, and who is told."""

import pytest

from syncer.kube.objects import Obj
from syncer.kube.store import TOMBSTONES, Change, Store


def _obj(version: object, name: str = "a", text: str = "") -> Obj:
    meta = {"namespace": "ns", "name": name, "resourceVersion": str(version)}
    return {"metadata": meta, "text": text}


class Told:
    """Collects what a listener hears, as (old version, new version, initial)."""

    def __init__(self, store: Store) -> None:
        self.changes: list[tuple[str | None, str | None, bool]] = []
        store.listen(self._hear)

    def _hear(self, change: Change) -> None:
        self.changes.append((_version(change.old), _version(change.new), change.initial))


def _version(obj: Obj | None) -> str | None:
    return None if obj is None else str(obj["metadata"]["resourceVersion"])


def _known(store: Store, name: str = "a") -> str | None:
    return _version(store.get("ns", name))


@pytest.mark.parametrize(
    ("known", "shown", "initial", "then", "told"),
    [
        (None, 5, False, "5", True),
        (None, 5, True, "5", True),
        (5, 6, False, "6", True),
        (5, 5, False, "5", False),  # the watch repeats the answer to a write
        (6, 5, False, "6", False),  # the answer was newer than what the watch has come to
        (6, 5, True, "5", True),  # a list tells the truth: the datastore went back
        (9, 10, False, "10", True),  # numbers, not text
        (10, 9, False, "10", False),
        ("x", "y", False, "y", True),
    ],
)
def test_state_shown_by_list_or_watch(
    known: object,
    shown: object,
    initial: bool,  # noqa: FBT001
    then: str,
    told: bool,  # noqa: FBT001
) -> None:
    store = Store()
    if known is not None:
        store.put(_obj(known))
    heard = Told(store)
    store.put(_obj(shown), initial=initial)
    assert _known(store) == then
    expected = (None if known is None else str(known), str(shown), initial)
    assert heard.changes == ([expected] if told else [])


@pytest.mark.parametrize(
    ("known", "faded", "text"), [(None, 5, None), (5, 5, None), (6, 5, "kept"), (6, 6, None)]
)
def test_of_an_object_that_fades_only_its_identity_stays(
    known: int | None, faded: int, text: str | None
) -> None:
    store = Store()
    if known is not None:
        store.put(_obj(known, text="kept"))
    heard = Told(store)
    store.fade(_obj(faded, text="kept"))
    found = store.get("ns", "a")
    assert (found or {}).get("text") == text
    assert _version(found) == (None if known is None else str(known))
    assert heard.changes == []


def test_list_of_a_restored_datastore_wins_over_the_same_version_with_other_content() -> None:
    store = Store()
    store.put(_obj(5, text="lost in the crash"))
    store.replace([_obj(5, text="written after it")])
    found = store.get("ns", "a")
    assert found is not None
    assert found["text"] == "written after it"


@pytest.mark.parametrize(
    ("known", "deleted", "written", "then"),
    [
        (None, None, 5, "5"),
        (4, None, 5, "5"),
        (5, None, 5, "5"),
        (6, None, 5, "6"),  # the watch was faster than the answer
        (None, 6, 5, None),  # and has even shown the deletion
        (None, 5, 5, None),
        (None, 4, 5, "5"),  # created again after the deletion
    ],
)
def test_answer_to_a_write(
    known: int | None, deleted: int | None, written: int, then: str | None
) -> None:
    store = Store()
    if known is not None:
        store.put(_obj(known))
    if deleted is not None:
        store.drop(_obj(deleted))
    store.put_written(_obj(written))
    assert _known(store) == then


def test_answer_to_a_write_tells_listeners_once_and_its_echo_does_not() -> None:
    store = Store()
    heard = Told(store)
    store.put_written(_obj(5))
    store.put(_obj(5))
    assert heard.changes == [(None, "5", False)]


def test_answer_that_the_watch_has_shown_already_tells_nobody() -> None:
    store = Store()
    store.put(_obj(5))
    heard = Told(store)
    store.put_written(_obj(5))
    assert heard.changes == []


def test_answer_to_a_write_is_kept_without_the_fields_that_nobody_reads() -> None:
    store = Store()
    written = _obj(5)
    written["metadata"]["managedFields"] = [{"manager": "x"}]
    store.put_written(written)
    found = store.get("ns", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]


@pytest.mark.parametrize(
    ("known", "deleted", "then"), [(None, 5, None), (4, 5, None), (5, 5, None), (6, 5, "6")]
)
def test_deletion_removes_only_what_it_deleted(
    known: int | None, deleted: int, then: str | None
) -> None:
    store = Store()
    if known is not None:
        store.put(_obj(known))
    heard = Told(store)
    store.drop(_obj(deleted))
    assert _known(store) == then
    assert heard.changes == ([(str(known), None, False)] if known and then is None else [])


def test_tombstones_are_bounded_and_the_oldest_go_first() -> None:
    store = Store()
    for number in range(TOMBSTONES + 1):
        store.drop(_obj(9, f"name-{number}"))
    store.put_written(_obj(5, "name-0"))
    store.put_written(_obj(5, f"name-{TOMBSTONES}"))
    assert [_known(store, "name-0"), _known(store, f"name-{TOMBSTONES}")] == ["5", None]


def test_tombstone_of_a_name_that_died_again_is_a_young_one() -> None:
    store = Store()
    for number in range(TOMBSTONES):
        store.drop(_obj(9, f"name-{number}"))
    store.drop(_obj(19, "name-0"))
    store.drop(_obj(9, "one-more"))
    store.put_written(_obj(15, "name-0"))
    store.put_written(_obj(5, "name-1"))
    assert [_known(store, "name-0"), _known(store, "name-1")] == [None, "5"]


def test_complete_list_replaces_all_and_reports_what_is_missing() -> None:
    store = Store()
    for name in "abc":
        store.put(_obj(5, name))
    heard = Told(store)
    missing = store.replace([_obj(5, "a"), _obj(7, "b"), _obj(7, "d")])
    assert [obj["metadata"]["name"] for obj in missing] == ["c"]
    assert sorted(obj["metadata"]["name"] for obj in store) == ["a", "b", "d"]
    assert len(store) == 3
    assert sorted(heard.changes, key=str) == [
        ("5", "7", True),
        ("5", None, True),
        (None, "7", True),
    ]


def test_listener_of_a_missing_object_finds_it_gone_already() -> None:
    store = Store()
    store.put(_obj(5))
    seen: list[str | None] = []
    store.listen(lambda _change: seen.append(_known(store)))
    store.replace([])
    assert seen == [None]


def test_list_does_not_take_back_what_was_written_while_it_was_under_way() -> None:
    store = Store()
    store.put(_obj(5, "changed"))
    store.begin_list()
    store.put_written(_obj(8, "created"))
    store.put_written(_obj(9, "changed"))
    missing = store.replace([_obj(5, "changed")])
    assert missing == []
    assert [_known(store, "created"), _known(store, "changed")] == ["8", "9"]


def test_list_takes_back_what_was_written_before_it_began() -> None:
    store = Store()
    store.put_written(_obj(8))
    store.begin_list()
    assert [obj["metadata"]["name"] for obj in store.replace([])] == ["a"]
    assert _known(store) is None


def test_pages_of_a_list_are_taken_as_they_come_and_what_is_missing_is_known_at_its_end() -> None:
    store = Store()
    for name in "ab":
        store.put(_obj(5, name))
    store.begin_list()
    store.put_page([_obj(7, "c")])
    assert sorted(obj["metadata"]["name"] for obj in store) == ["a", "b", "c"]
    store.put_written(_obj(9, "d"))  # between two pages
    store.put_page([_obj(5, "a"), _obj(6, "d")])
    assert _known(store, "d") == "9"
    assert [obj["metadata"]["name"] for obj in store.end_list()] == ["b"]
    assert sorted(obj["metadata"]["name"] for obj in store) == ["a", "c", "d"]


def test_list_that_broke_off_loses_nothing_and_counts_for_nothing() -> None:
    store = Store()
    for name in "ab":
        store.put(_obj(5, name))
    store.begin_list()
    store.put_page([_obj(5, "a")])
    store.begin_list()
    store.put_page([_obj(5, "b")])
    assert [obj["metadata"]["name"] for obj in store.end_list()] == ["a"]


def test_list_that_was_asked_for_again_is_newer_than_what_the_first_one_missed() -> None:
    store = Store()
    store.begin_list()
    store.put_written(_obj(8))
    store.begin_list()  # the first one failed
    assert [obj["metadata"]["name"] for obj in store.replace([])] == ["a"]


def test_same_name_in_two_namespaces_is_two_objects() -> None:
    store = Store()
    store.put(_obj(5))
    other = _obj(6)
    other["metadata"]["namespace"] = "other"
    store.put(other)
    assert [_version(store.get(ns, "a")) for ns in ("ns", "other", "none")] == ["5", "6", None]


def test_change_is_about_the_object_as_it_is_or_as_it_was() -> None:
    old, new = _obj(1, "old"), _obj(2, "new")
    assert Change(old, new).obj is new
    assert Change(None, new).obj is new
    assert Change(old, None).obj is old
    with pytest.raises(ValueError, match="about an object"):
        _ = Change(None, None).obj
