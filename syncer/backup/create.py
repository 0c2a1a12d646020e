"""Takes a backup of the virtual cluster's state while it runs: `syncer backup`, written to stdout.

    server/db/state.db     copied by sqlite's own online backup, in one read transaction: the state
                           of one moment, however much is written meanwhile. In WAL mode readers
                           hold up no writer, and the syncer's read-only mount is enough for it.
    the rest of server/    as it is: authorities, leaf certificates, keys of tokens and of
                           encryption, the server's token. k3s writes these at its start only; if
                           they change while they are read, all is read again.

Nothing of `data/` (k3s' own programs), `agent/` and the audit log is in it: k3s makes them anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from syncer.backup import archive
from syncer.backup.archive import File, Manifest
from syncer.errors import Refused

LEFT_OUT = ("server/logs", "server/tls/temporary-certs", "server/db/etcd")
DATABASE = re.compile(r"server/db/state\.db(-\w+)?")
ATTEMPTS = 5
KUBE_SYSTEM = "/registry/namespaces/kube-system"
UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OTHER_DATASTORE = (
    "k3s keeps its state in an etcd or a database of its own: use `k3s etcd-snapshot`, or what that"
    " database has for backups"
)


class About(NamedTuple):
    """What the caller knows of the virtual cluster, for the manifest."""

    release: str
    namespace: str
    k3s_version: str


def backup(out: IO[bytes], data_dir: Path, about: About, scratch: Path) -> Manifest:
    """Write a backup; raise Refused when there is nothing that could be copied consistently."""
    if (data_dir / "server" / "db" / "etcd").exists() or not (data_dir / archive.STATE).exists():
        raise Refused("OtherDatastore", OTHER_DATASTORE)
    with _alone(scratch), tempfile.TemporaryDirectory(prefix="backup-", dir=scratch) as made:
        return _backup(out, data_dir, about, Path(made))


def _backup(out: IO[bytes], data_dir: Path, about: About, made: Path) -> Manifest:
    for _ in range(ATTEMPTS):
        before = _listing(data_dir)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        copies = {archive.STATE: made / "state.db"}
        _copy_database(data_dir / archive.STATE, copies[archive.STATE])
        links = {}
        for number, (name, (mode, *_)) in enumerate(before.items()):
            with contextlib.suppress(FileNotFoundError):  # the listing afterwards shows it
                if stat.S_ISLNK(mode):
                    target = str((data_dir / name).readlink())
                    if archive.stays_inside(str(data_dir), name, target):
                        links[name] = target  # others are nobody's but whoever made them here
                else:
                    copies[name] = made / str(number)
                    shutil.copyfile(data_dir / name, copies[name])
        if _listing(data_dir) == before:
            break
    else:
        raise Refused(
            "StillChanging",
            "k3s rewrites its keys and certificates just now: try again in a minute",
        )
    modes = {name: stat.S_IMODE(mode) for name, (mode, *_) in before.items()}
    cluster_uid, revision = _identity(copies[archive.STATE])
    manifest = Manifest(
        format=archive.FORMAT,
        created=created,
        release=about.release,
        namespace=about.namespace,
        cluster_uid=cluster_uid,
        k3s_version=about.k3s_version,
        data_dir=str(data_dir),
        revision=revision,
        files={name: _file(path, modes.get(name, 0o600)) for name, path in copies.items()},
        links=links,
    )
    archive.write(out, manifest, lambda name: copies[name].open("rb"))
    return manifest


@contextlib.contextmanager
def _alone(scratch: Path) -> Iterator[None]:
    """Keep others out, and remove what one left behind that was killed."""
    with (scratch / "backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("Busy", "another backup is being taken: wait for its end") from None
        for each in scratch.glob("backup-*"):
            shutil.rmtree(each, ignore_errors=True)
        yield


def _listing(data_dir: Path) -> dict[str, tuple[int, int, int, int]]:
    """Return the files and links beside the database: mode, and what changes when they do."""
    found = {}
    for directory, names, files in os.walk(data_dir / "server"):
        here = Path(directory)
        names[:] = [n for n in names if str((here / n).relative_to(data_dir)) not in LEFT_OUT]
        for path in (here / each for each in (*files, *names)):
            name = str(path.relative_to(data_dir))
            with contextlib.suppress(FileNotFoundError):
                seen = path.lstat()
                kept = stat.S_ISREG(seen.st_mode) or stat.S_ISLNK(seen.st_mode)
                if kept and not DATABASE.fullmatch(name):
                    found[name] = (seen.st_mode, seen.st_ino, seen.st_size, seen.st_mtime_ns)
    return found


def _copy_database(source: Path, copy: Path) -> None:
    """Copy the database as it is in one moment."""
    copy.unlink(missing_ok=True)
    try:
        _copy(source, copy, "mode=ro")
    except sqlite3.OperationalError as error:
        # Without a writer there is no WAL, and a read-only mount does not let us make one. Then
        # nothing changes the file, which is looked at again afterwards.
        wal = source.with_name(source.name + "-wal")
        if error.sqlite_errorcode != sqlite3.SQLITE_CANTOPEN or wal.exists():
            raise _unreadable(error) from error
        before = source.stat()
        _copy(source, copy, "immutable=1")
        after = source.stat()
        if wal.exists() or (before.st_mtime_ns, before.st_size) != (
            after.st_mtime_ns,
            after.st_size,
        ):
            raise Refused("StillChanging", "k3s is just starting: try again in a minute") from None
    except sqlite3.DatabaseError as error:
        raise _unreadable(error) from error


def _copy(source: Path, copy: Path, how: str) -> None:
    name = f"file:{quote(str(source))}?{how}"
    with (
        contextlib.closing(sqlite3.connect(name, uri=True, timeout=30.0)) as here,
        contextlib.closing(sqlite3.connect(copy)) as there,
    ):
        here.backup(there)  # all pages in one step: a copy in several begins anew with each write
        (said,) = there.execute("PRAGMA quick_check").fetchone()
        if said != "ok":
            raise Refused("DatastoreDamaged", f"sqlite finds the datastore damaged: {said}")
        there.execute("PRAGMA journal_mode=DELETE")  # one file


def _unreadable(error: sqlite3.Error) -> Refused:
    return Refused("DatastoreUnreadable", f"the datastore cannot be copied: {error}")


def _identity(copy: Path) -> tuple[str, int]:
    """Return the UID of kube-system and the newest revision, by the copy itself."""
    try:
        with contextlib.closing(sqlite3.connect(copy)) as database:
            (revision,) = database.execute("SELECT MAX(id) FROM kine").fetchone()
            row = database.execute(
                "SELECT value FROM kine WHERE name = ? AND deleted = 0 ORDER BY id DESC LIMIT 1",
                (KUBE_SYSTEM,),
            ).fetchone()
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    # Protobuf, or JSON if somebody told k3s so: the first UID in either is the object's own.
    uid = UUID.search(row[0]) if row is not None else None
    if uid is None:
        raise Refused(
            "NoClusterYet", "the virtual cluster has not made its namespace kube-system yet"
        )
    return uid[0].decode(), int(revision)


def _file(path: Path, mode: int) -> File:
    with path.open("rb") as held:
        digest = hashlib.file_digest(held, "sha256")
    return File(path.stat().st_size, digest.hexdigest(), mode)
