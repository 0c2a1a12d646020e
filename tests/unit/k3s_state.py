"""What k3s has on its volume, made small: a datastore in WAL mode and the files beside it."""

from __future__ import annotations

import io
import sqlite3
import threading
from pathlib import Path
from typing import Self

from syncer.backup.archive import Manifest, Reader
from syncer.backup.create import About, backup

UID = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
ABOUT = About("dev", "team-x", "1.34.4")
SCHEMA = """CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER,
deleted INTEGER, create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB,
old_value BLOB)"""
FILES = {
    "server/token": "K10abc::server:word\n",
    "server/cred/passwd": "word,server,server,k3s:server\n",
    "server/tls/server-ca.crt": "certificate of the authority\n",
    "server/tls/server-ca.key": "its key\n",
    "server/tls/etcd/peer-ca.crt": "of a directory below\n",
    "server/tls/dynamic-cert.json": "{}",
    "server/manifests/mine.yaml": "kind: ConfigMap\n",
}


class State:
    """A data directory of k3s with its datastore open, as a running k3s has it."""

    def __init__(self, data_dir: Path, uid: str = UID) -> None:
        self.data_dir = data_dir
        for name, text in FILES.items():
            file = data_dir / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o600)
        (data_dir / "server/node-token").symlink_to(f"{data_dir}/server/token")
        (data_dir / "server/db").mkdir()
        self.database = self._open()
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute(SCHEMA)
        # As in protobuf: the object's own UID is the first one in it.
        self.put("/registry/namespaces/kube-system", f"k8s\0\n\x02v1\x12$kube-system*${uid}2\0")
        self.put("/registry/pods/default/of-another", f"*${OTHER}")

    def _open(self) -> sqlite3.Connection:
        path = self.data_dir / "server/db/state.db"
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def put(self, name: str, value: str = "x") -> None:
        """Write as kine does: a row for each change."""
        self.database.execute(
            "INSERT INTO kine (name, created, deleted, value) VALUES (?, 1, 0, ?)",
            (name, value.encode()),
        )

    def names(self) -> set[str]:
        """Return the keys that the datastore has."""
        return names(self.data_dir)

    def stop(self) -> Self:
        """Close it as a k3s that ends cleanly does."""
        self.database.close()
        return self


def names(data_dir: Path) -> set[str]:
    """Return the keys of the datastore in a data directory."""
    database = sqlite3.connect(data_dir / "server/db/state.db")
    try:
        return {name for (name,) in database.execute("SELECT DISTINCT name FROM kine")}
    finally:
        database.close()


def text_files(data_dir: Path) -> dict[str, str]:
    """Return all files beside the database, with the targets of links."""
    return {
        str(path.relative_to(data_dir)): (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        )
        for path in sorted(data_dir.rglob("*"))
        if (path.is_symlink() or path.is_file()) and "db" not in path.parts
    }


class Writer(threading.Thread):
    """Writes without a pause, as long as the block lasts."""

    def __init__(self, state: State) -> None:
        super().__init__(daemon=True)
        self._state = state
        self._end = threading.Event()
        self.written = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        while not self._end.is_set():
            self._state.put(f"/registry/configmaps/default/c-{self.written}", "x" * 2000)
            self.written += 1


def take(state: State, scratch: Path) -> tuple[bytes, Manifest]:
    out = io.BytesIO()
    made = backup(out, state.data_dir, ABOUT, scratch)
    return out.getvalue(), made


def content_of(saved: bytes) -> dict[str, bytes]:
    reader = Reader(io.BytesIO(saved))
    return {name: b"".join(content) for name, _, content in reader.files()}
