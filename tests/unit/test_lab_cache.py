"""The build cache: built once, by one at a time, never half."""

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.cache import GRACE, KEEP, Builder, Cache, digest, tree_digest
from lab.progress import Progress, Task


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(Progress(io.StringIO()), tmp_path)


def write(text: str) -> Builder:
    def builder(target: Path, _task: Task) -> None:
        (target / "file").write_text(text)

    return builder


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("a", "b"), ("ab",)),
        (("a",), ("a", None)),
        (({"x": 1},), ({"x": "1"},)),
        ((["a", ["b"]],), (["a", "b"],)),
    ],
)
def test_different_inputs_have_different_keys(left: object, right: object) -> None:
    assert digest(left) != digest(right)


def test_equal_inputs_have_equal_keys_whatever_their_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_an_entry_is_built_once(cache: Cache) -> None:
    first = cache.entry("thing", "key", "making it", write("one"))
    second = cache.entry("thing", "key", "making it", write("two"))
    assert first == second
    assert (second / "file").read_text() == "one"


def test_another_key_is_another_entry(cache: Cache) -> None:
    cache.entry("thing", "old", "making it", write("one"))
    assert (cache.entry("thing", "new", "making it", write("two")) / "file").read_text() == "two"


def test_a_failed_build_leaves_nothing(cache: Cache) -> None:
    def fail(target: Path, _task: Task) -> None:
        (target / "half").touch()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        cache.entry("thing", "key", "making it", fail)
    assert not cache.has("thing", "key")
    assert list((cache.root / "thing").iterdir()) == []


def test_what_a_killed_build_left_is_not_taken_for_a_result(cache: Cache) -> None:
    half = cache.root / "thing" / ".key.half"
    half.mkdir(parents=True)
    (half / "junk").touch()
    entry = cache.entry("thing", "key", "making it", write("one"))
    assert [p.name for p in entry.iterdir()] == ["file"]


def test_two_runs_do_not_build_the_same_thing_twice(cache: Cache) -> None:
    built = []

    def slow(target: Path, _task: Task) -> None:
        built.append(target)
        time.sleep(0.2)

    threads = [
        threading.Thread(target=cache.entry, args=("thing", "key", "making it", slow))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_old_entries_go_but_not_those_in_use(cache: Cache) -> None:
    for number in range(KEEP + 3):
        entry = cache.entry("thing", f"key{number}", "making it", write("x"))
        if number not in (2, KEEP + 2):
            os.utime(entry, (1, 1 + number))
    assert cache.has("thing", "key2")  # used a moment ago
    left = sum(cache.has("thing", f"key{n}") for n in range(KEEP + 3))
    assert left <= KEEP + 1
    assert GRACE > 0


def test_a_tree_changes_with_content_names_and_modes(tmp_path: Path) -> None:
    file = tmp_path / "a" / "x.py"
    file.parent.mkdir()
    file.write_text("1")
    seen = [tree_digest(tmp_path)]
    file.write_text("2")
    seen.append(tree_digest(tmp_path))
    file.chmod(0o755)
    seen.append(tree_digest(tmp_path))
    file.rename(file.with_name("y.py"))
    seen.append(tree_digest(tmp_path))
    assert len({digest(s) for s in seen}) == len(seen)


def test_a_tree_leaves_out_compiled_files_and_other_patterns(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    for name in ("a.py", "b.txt", "__pycache__/a.pyc"):
        (tmp_path / name).write_text("x")
    assert set(tree_digest(tmp_path)) == {"a.py", "b.txt"}
    assert set(tree_digest(tmp_path, "**/*.py")) == {"a.py"}


def test_runs_that_clear_up_at_once_do_not_trip_over_each_other(cache: Cache) -> None:
    for number in range(400):
        path = cache.root / "thing" / str(number)
        path.mkdir(parents=True)
        os.utime(path, (0, number))
    keep = cache.root / "thing" / "0"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cache.prune("thing", keep), range(8)))
    left = {path.name for path in (cache.root / "thing").iterdir()}
    assert left == {"0", *(str(399 - number) for number in range(KEEP))}
