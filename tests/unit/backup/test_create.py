"""A backup: the state of one moment, whoever writes meanwhile, or a refusal."""

from __future__ import annotations

import fcntl
import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.backup import archive
from syncer.backup.archive import Reader
from syncer.backup.create import backup
from syncer.errors import Refused
from tests.unit.k3s_state import ABOUT, FILES, OTHER, UID, State, Writer, content_of, take

pytestmark = pytest.mark.timeout(30)


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
            copy.write_bytes(content_of(saved)[archive.STATE])
            database = sqlite3.connect(copy)
            ((count, last),) = database.execute("SELECT COUNT(*), MAX(id) FROM kine").fetchall()
            ((whole,),) = database.execute("PRAGMA integrity_check").fetchall()
            database.close()
            assert count == last == made.revision
            assert whole == "ok"


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


def test_a_datastore_of_another_cluster_says_so(tmp_path: Path, scratch: Path) -> None:
    other = State(tmp_path / "other", OTHER)
    assert take(other, scratch)[1].cluster_uid == OTHER
    other.stop()
