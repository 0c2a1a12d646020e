"""A backup and its restore: the same state, of one moment, or a refusal that changes nothing."""

from __future__ import annotations

import fcntl
import io
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer import archive
from syncer.archive import Damaged, Manifest, Reader
from syncer.backup import About, backup
from syncer.errors import Refused
from syncer.restore import restore
from tests.unit.k3s_state import FILES, OTHER, UID, State, Writer, names, text_files

pytestmark = pytest.mark.timeout(30)
ABOUT = About("dev", "team-x", "1.34.4")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def saved(state: State, scratch: Path) -> bytes:
    return take(state, scratch)[0]


def take(state: State, scratch: Path) -> tuple[bytes, Manifest]:
    out = io.BytesIO()
    made = backup(out, state.data_dir, ABOUT, scratch)
    return out.getvalue(), made


def put(saved: bytes, data_dir: Path) -> Manifest:
    # More behind it, as on the stdin of `exec`, which is never closed.
    return restore(io.BytesIO(saved + b"more"), len(saved), data_dir)


def test_the_manifest_says_whose_it_is(state: State, scratch: Path) -> None:
    saved, made = take(state, scratch)
    assert Reader(io.BytesIO(saved)).check() == made
    assert (made.release, made.namespace, made.k3s_version) == ABOUT
    assert made.cluster_uid == UID
    assert made.data_dir == str(state.data_dir)
    assert made.revision == 2
    assert {*made.files} == {*FILES, archive.STATE}
    assert list(made.links) == ["server/node-token"]


def test_a_link_that_leads_elsewhere_stays_behind(state: State, scratch: Path) -> None:
    (state.data_dir / "server/manifests/link.yaml").symlink_to("/etc/passwd")
    assert [*take(state, scratch)[1].links] == ["server/node-token"]


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


def test_what_was_written_before_it_began_is_in_it_and_it_is_of_one_moment(
    state: State, scratch: Path, tmp_path: Path
) -> None:
    """While somebody writes on and on: no gap, nothing half written."""
    with Writer(state) as writer:
        for attempt in range(5):
            while writer.written < 20 * (attempt + 1):
                pass
            before = writer.written
            saved, made = take(state, scratch)
            assert made.revision >= before
            copy = tmp_path / f"copy-{attempt}.db"
            copy.write_bytes(_content(saved)[archive.STATE])
            database = sqlite3.connect(copy)
            ((count, last),) = database.execute("SELECT COUNT(*), MAX(id) FROM kine").fetchall()
            ((whole,),) = database.execute("PRAGMA integrity_check").fetchall()
            database.close()
            assert count == last == made.revision
            assert whole == "ok"


def _content(saved: bytes) -> dict[str, bytes]:
    reader = Reader(io.BytesIO(saved))
    return {name: b"".join(content) for name, _, content in reader.files()}


def test_the_files_of_a_backup_leave_nothing_in_scratch(state: State, scratch: Path) -> None:
    killed = scratch / "backup-killed"
    killed.mkdir()
    (killed / "state.db").write_text("of one that was killed")
    take(state, scratch)
    assert [each.name for each in scratch.iterdir()] == ["backup.lock"]


READ_ONLY = """
set -e
mount --bind {data} {data}
mount -o remount,bind,ro {data}
if touch {data}/x 2>/dev/null; then echo "the mount is not read-only" >&2; exit 9; fi
exec {python} -m syncer backup --release=dev --namespace=team-x --k3s-data-dir={data} >{out}
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize("running", [True, False])
def test_a_read_only_mount_is_enough(state: State, tmp_path: Path, *, running: bool) -> None:
    """As the syncer's container has it; with k3s running, and with one that has ended."""
    if not running:
        state.stop()
    out = tmp_path / "out"
    script = READ_ONLY.format(data=state.data_dir, out=out, python=sys.executable)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    with out.open("rb") as held:
        assert Reader(held).check().cluster_uid == UID


# --- what is refused


def _no_database(state: State) -> None:
    state.stop()
    (state.data_dir / archive.STATE).unlink()


def _etcd(state: State) -> None:
    (state.data_dir / "server/db/etcd").mkdir()


def _no_cluster(state: State) -> None:
    state.database.execute("DELETE FROM kine WHERE name LIKE '%kube-system'")


def _no_kine(state: State) -> None:
    state.database.execute("DROP TABLE kine")


def _broken(state: State) -> None:
    state.stop()
    (state.data_dir / archive.STATE).write_bytes(b"SQLite format 3\0" + b"broken" * 1000)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_no_database, "OtherDatastore"),
        (_etcd, "OtherDatastore"),
        (_no_cluster, "NoClusterYet"),
        (_no_kine, "DatastoreUnreadable"),
        (_broken, "DatastoreUnreadable"),
    ],
)
def test_what_cannot_be_copied_whole_is_refused(
    state: State, scratch: Path, spoil: Callable[[State], None], reason: str
) -> None:
    spoil(state)
    out = io.BytesIO()
    with pytest.raises(Refused) as refused:
        backup(out, state.data_dir, ABOUT, scratch)
    assert refused.value.reason == reason
    assert out.getvalue() == b""


def test_one_backup_at_a_time(state: State, scratch: Path) -> None:
    with (scratch / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="another backup"):
            take(state, scratch)
    take(state, scratch)


def _cut(saved: bytes, at: float) -> bytes:
    return saved[: int(len(saved) * at)]


def _flipped(saved: bytes) -> bytes:
    """Change one byte of a file, in an archive that is whole otherwise."""
    content = _content(saved)
    manifest = Reader(io.BytesIO(saved)).manifest
    content["server/token"] = content["server/token"].replace(b"word", b"sesa")
    return _packed(manifest, content)


def _packed(manifest: Manifest, content: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    archive.write(out, manifest, lambda name: io.BytesIO(content[name]))
    return out.getvalue()


def _rewritten(change: Callable[[Manifest], Manifest]) -> Callable[[bytes], bytes]:
    def spoil(saved: bytes) -> bytes:
        content = _content(saved)
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
    "another file": (lambda _: b"no backup at all", "no backup"),
    "nothing": (lambda _: b"", "no backup"),
    "a changed file": (_flipped, "server/token is not what"),
    "a newer form": (_rewritten(lambda made: made._replace(format=2)), "form 2"),
    "no datastore": (_rewritten(_without(archive.STATE)), "no datastore"),
    "a file too few": (_rewritten(_with_file("server/more")), "server/more is not"),
    "a file beside k3s' own": (_rewritten(_with_file("etc/passwd")), "no file of k3s"),
    "a file outside": (_rewritten(_with_file("server/../../x")), "no file of k3s"),
    "an absolute file": (_rewritten(_with_file("/etc/passwd")), "no file of k3s"),
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


def test_a_datastore_of_another_cluster_says_so(tmp_path: Path, scratch: Path) -> None:
    other = State(tmp_path / "other", OTHER)
    assert take(other, scratch)[1].cluster_uid == OTHER
    other.stop()
