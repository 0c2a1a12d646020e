"""`backup`, through the syncer's own command on a volume that stands in for k3s'."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.backup.archive import Reader
from syncer.kube.objects import Obj
from tests.unit.cli.conftest import Run
from tests.unit.cli.fakes import Served
from tests.unit.k3s_state import UID, State

pytestmark = pytest.mark.timeout(60)


@pytest.mark.usefixtures("k3s")
def test_a_backup_is_whole_private_and_says_whose_it_is(cli: Run, tmp_path: Path) -> None:
    saved = tmp_path / "dev.tar.gz"
    done = cli("backup", "dev", "-o", str(saved))
    assert done.exit_code == 0, done.output
    assert saved.stat().st_mode & 0o777 == 0o600
    with saved.open("rb") as held:
        made = Reader(held).check()
    assert (made.release, made.namespace, made.cluster_uid) == ("dev", "team-x", UID)
    assert made.k3s_version == "1.34.3"  # what served it, not what the chart would start next
    assert [each.name for each in saved.parent.glob("dev.tar.gz*")] == [saved.name]


@pytest.mark.usefixtures("k3s")
def test_a_backup_without_a_name_is_named_by_its_time(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("backup", "dev")
    (file,) = tmp_path.glob("dev-*Z.tar.gz")
    assert file.name in done.stderr
    assert "Secrets" in done.stderr


@pytest.mark.usefixtures("k3s")
def test_a_backup_to_standard_output(cli: Run, tmp_path: Path) -> None:
    done = cli("backup", "dev", "-o", "-")
    assert done.exit_code == 0, done.output
    assert Reader(io.BytesIO(done.stdout_bytes)).check().cluster_uid == UID
    assert [*tmp_path.glob("*.part")] == []


# --- what goes wrong


@pytest.mark.usefixtures("k3s")
def test_a_backup_that_breaks_off_leaves_no_file(cli: Run, host: Served, tmp_path: Path) -> None:
    host.api.cut_exec = 100
    done = cli("backup", "dev", "-o", str(tmp_path / "cut.tar.gz"))
    assert done.exit_code == 5
    assert "try again" in done.stderr
    assert [*tmp_path.glob("cut*")] == []


def test_why_the_syncer_did_not_save_is_told(cli: Run, k3s: State, tmp_path: Path) -> None:
    k3s.database.execute("DROP TABLE kine")
    done = cli("backup", "dev", "-o", str(tmp_path / "x"))
    assert done.exit_code == 1
    assert "no such table: kine" in done.stderr
    assert [*tmp_path.glob("x*")] == []


@pytest.mark.usefixtures("k3s")
def test_a_syncer_that_knows_no_backup(cli: Run, host: Served, tmp_path: Path) -> None:
    script = "echo \"Error: No such command 'backup'.\" >&2; exit 2"
    host.api.containers["dev-0", "syncer"] = lambda _: ["sh", "-c", script]
    done = cli("backup", "dev", "-o", str(tmp_path / "x"))
    assert (done.exit_code, "virtualcluster upgrade dev" in done.stderr) == (1, True)


@pytest.mark.usefixtures("k3s")
def test_a_file_that_is_there_is_never_overwritten(cli: Run, saved: Path) -> None:
    before = saved.read_bytes()
    done = cli("backup", "dev", "-o", str(saved))
    assert (done.exit_code, "exists already" in done.stderr) == (1, True)
    assert saved.read_bytes() == before


def _args(*more: str) -> Callable[[Obj], object]:
    return lambda spec: spec["containers"][0].setdefault("args", []).extend(more)


def _env(spec: Obj) -> None:
    spec["containers"][0]["env"] = [{"name": "K3S_DATASTORE_ENDPOINT", "value": "x"}]


DATASTORES = {
    "postgres": (_args("--datastore-endpoint=postgres://db"), "pg_dump"),
    "in two words": (_args("--datastore-endpoint", "https://etcd:2379"), "etcdctl"),
    "by the environment": (_env, "--datastore-endpoint"),
    "etcd of its own": (_args("--cluster-init"), "etcd-snapshot save"),
}


@pytest.mark.parametrize("case", DATASTORES)
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_another_datastore_is_saved_by_its_own_tools(
    cli: Run, dev: Obj, saved: Path, case: str, command: str
) -> None:
    change, words = DATASTORES[case]
    change(dev["spec"]["template"]["spec"])
    done = cli(command, "dev", *(("-f", str(saved), "--yes") if command == "restore" else ()))
    assert done.exit_code == 1
    assert words in done.stderr


def _paused(dev: Obj, _host: Served) -> None:
    dev["spec"]["replicas"] = 0


def _no_right(_dev: Obj, host: Served) -> None:
    host.api.allowed = False


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [(_paused, 6, "virtualcluster resume dev"), (_no_right, 4, "get and create of pods/exec")],
)
@pytest.mark.usefixtures("k3s")
def test_what_a_backup_needs(
    cli: Run,
    dev: Obj,
    host: Served,
    change: Callable[[Obj, Served], None],
    code: int,
    words: str,
) -> None:
    change(dev, host)
    done = cli("backup", "dev")
    assert (done.exit_code, words in done.stderr) == (code, True), done.stderr
