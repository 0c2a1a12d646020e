"""A restore: the state that was saved, or a refusal that changes nothing."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.backup import archive
from syncer.backup.archive import Damaged, Manifest, Reader
from syncer.backup.restore import restore
from syncer.errors import Refused
from tests.unit.k3s_state import UID, State, content_of, names, take, text_files

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def saved(state: State, scratch: Path) -> bytes:
    return take(state, scratch)[0]


def put(saved: bytes, data_dir: Path) -> Manifest:
    # More behind it, as on the stdin of `exec`, which is never closed.
    return restore(io.BytesIO(saved + b"more"), len(saved), data_dir)


def test_a_restore_brings_back_all_of_it(state: State, saved: bytes) -> None:
    before, keys = text_files(state.data_dir), state.names()
    state.put("/registry/configmaps/default/newer")
    state.stop()
    (state.data_dir / "server/tls/server-ca.key").write_text("of another cluster")
    (state.data_dir / "server/tls/stray.crt").write_text("not in the backup")
    (state.data_dir / "agent").mkdir()
    (state.data_dir / "agent/server-ca.crt").write_text("of another cluster")
    made = put(saved, state.data_dir)
    assert text_files(state.data_dir) == before
    assert names(state.data_dir) == keys
    assert made.cluster_uid == UID
    assert {each.name for each in state.data_dir.iterdir()} == {"server"}


def test_nobody_else_may_read_what_is_restored(saved: bytes, state: State) -> None:
    old = os.umask(0o077)  # as the command sets it
    try:
        put(saved, state.stop().data_dir)
    finally:
        os.umask(old)
    for path in (state.data_dir / "server").rglob("*"):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_an_empty_volume_is_restored_into(saved: bytes, state: State, tmp_path: Path) -> None:
    keys, data_dir = state.names(), state.stop().data_dir
    data_dir.rename(tmp_path / "elsewhere")
    data_dir.mkdir()
    put(saved, data_dir)
    assert names(data_dir) == keys


def _cut(saved: bytes, at: float) -> bytes:
    return saved[: int(len(saved) * at)]


def _flipped(saved: bytes) -> bytes:
    """Change one byte of a file, in an archive that is whole otherwise."""
    content = content_of(saved)
    manifest = Reader(io.BytesIO(saved)).manifest
    content["server/token"] = content["server/token"].replace(b"word", b"sesa")
    return _packed(manifest, content)


def _packed(manifest: Manifest, content: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    archive.write(out, manifest, lambda name: io.BytesIO(content[name]))
    return out.getvalue()


def _rewritten(change: Callable[[Manifest], Manifest]) -> Callable[[bytes], bytes]:
    def spoil(saved: bytes) -> bytes:
        content = content_of(saved)
        made = change(Reader(io.BytesIO(saved)).manifest)
        extra = dict.fromkeys(made.files, b"")
        return _packed(made, {**extra, **content})

    return spoil


def _with_file(name: str) -> Callable[[Manifest], Manifest]:
    empty = archive.File(0, "", 0o600)
    return lambda made: made._replace(files={**made.files, name: empty})


def _with_link(name: str, target: str) -> Callable[[Manifest], Manifest]:
    return lambda made: made._replace(links={**made.links, name: target})


def _without(name: str) -> Callable[[Manifest], Manifest]:
    return lambda made: made._replace(files={k: v for k, v in made.files.items() if k != name})


SPOILT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut in its manifest": (lambda saved: _cut(saved, 0.01), "damaged"),
    "cut in the middle": (lambda saved: _cut(saved, 0.5), "damaged"),
    "cut at the end": (lambda saved: saved[:-6], "damaged"),
    "another file": (lambda _: b"no backup at all", "not a backup"),
    "nothing": (lambda _: b"", "not a backup"),
    "a changed file": (_flipped, "server/token is not what"),
    "a newer form": (_rewritten(lambda made: made._replace(format=2)), "format 2"),
    "no datastore": (_rewritten(_without(archive.STATE)), "no datastore"),
    "a file too few": (_rewritten(_with_file("server/more")), "server/more is not"),
    "a file beside k3s' own": (_rewritten(_with_file("etc/passwd")), "not a file of k3s"),
    "a file outside": (_rewritten(_with_file("server/../../x")), "not a file of k3s"),
    "an absolute file": (_rewritten(_with_file("/etc/passwd")), "not a file of k3s"),
    "a link outside": (_rewritten(_with_link("server/x", "../../etc")), "leads to"),
    "an absolute link": (_rewritten(_with_link("server/x", "/etc/passwd")), "leads to"),
    "a link that is a file": (_rewritten(_with_link("server/token", "x")), "leads to"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_not_whole_is_refused_and_changes_nothing(
    state: State, saved: bytes, case: str
) -> None:
    spoil, words = SPOILT[case]
    spoilt = spoil(saved)
    with pytest.raises(Damaged, match=words):
        Reader(io.BytesIO(spoilt)).check()
    state.put("/registry/newer")
    before, keys = text_files(state.data_dir), state.names()
    state.stop()
    with pytest.raises(Refused):
        restore(io.BytesIO(spoilt), len(spoilt), state.data_dir)
    assert text_files(state.data_dir) == before
    assert names(state.data_dir) == keys


def test_another_data_directory_is_refused(state: State, saved: bytes, tmp_path: Path) -> None:
    """Some of the files name others by their whole path."""
    with pytest.raises(Refused, match=f"{state.data_dir}, not"):
        put(saved, tmp_path)


@pytest.mark.parametrize("left", ["unpacking", "between the renames", "before tidying up"])
def test_a_restore_that_was_killed_is_done_again(state: State, saved: bytes, left: str) -> None:
    keys, data_dir = state.names(), state.stop().data_dir
    half = data_dir / "server.restoring"
    half.mkdir()
    (half / "token").write_text("half")
    if left == "between the renames":
        (data_dir / "server").rename(data_dir / "server.before-restore")
        with pytest.raises(Refused):  # the old state is there again, whatever comes of this one
            restore(io.BytesIO(b""), 0, data_dir)
        assert names(data_dir) == keys
    if left == "before tidying up":
        (data_dir / "server.before-restore").mkdir()
    put(saved, data_dir)
    assert names(data_dir) == keys
    assert {each.name for each in data_dir.iterdir()} == {"server"}
