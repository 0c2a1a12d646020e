"""`restore`, through the syncer's own command on a volume that stands in for k3s'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer.kube.objects import Obj
from syncer.state import deletion_brake
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_volume import RUNNING, Volume, place
from tests.unit.cli.fakes import Served
from tests.unit.cli.test_lifecycle import HELM, NOT_FOUND, asked
from tests.unit.cli.test_status import syncer
from tests.unit.fake_faults import Asked
from tests.unit.k3s_state import OTHER, UID, State, names
from virtualcluster_cli.commands import restoring

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def figures(host: Served) -> Iterator[None]:
    """What the syncer says after a restore: two objects are newer."""
    held = "# TYPE virtualcluster_deletions_held gauge\nvirtualcluster_deletions_held 2.0\n"
    with syncer(metrics=held) as port:
        host.api.behind["dev-0", 8081] = lambda: port
        yield


def test_a_restore_over_a_running_one(
    cli: Run, host: Served, volume: Volume, k3s: State, saved: Path
) -> None:
    keys = k3s.names()
    k3s.put("/registry/configmaps/default/newer")
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert done.exit_code == 0, done.output
    assert volume.seen == ["stopped", "restore", "started"]
    assert names(volume.data_dir) == keys
    notes = _anchor(host)["metadata"]["annotations"]
    assert notes == {deletion_brake.RESTORED: UID} == {restoring.RESTORED: UID}
    found = host.api.objects.find("configmaps", "team-x", "dev-discovered")
    assert found
    assert found["data"]["K3S_VERSION"] == "1.34.3"
    assert volume.pod("dev-restore") is None
    assert volume.pod("coredns-dev")  # what runs in it goes on running
    assert "2 host objects are newer" in done.stderr
    assert (
        f"kubectl annotate configmap dev-anchor -n team-x {deletion_brake.CONFIRM}=yes"
        in done.stderr
    )


def test_both_call_the_annotations_the_same() -> None:
    assert (restoring.RESTORED, restoring.CONFIRM) == (
        deletion_brake.RESTORED,
        deletion_brake.CONFIRM,
    )


def _anchor(host: Served) -> Obj:
    found = host.api.objects.find("configmaps", "team-x", "dev-anchor")
    assert found
    return found


@pytest.mark.usefixtures("k3s")
def test_the_pod_that_has_the_volume_is_as_the_control_plane_and_has_no_rights(
    cli: Run, host: Served, volume: Volume, saved: Path
) -> None:
    found = host.api.objects.find("statefulsets", "team-x", "dev")
    assert found
    spec = found["spec"]["template"]["spec"]
    spec["securityContext"] = {"runAsUser": 1000, "fsGroup": 1000}
    spec["nodeSelector"] = {"pool": "a"}
    spec["containers"][1]["securityContext"] = {"allowPrivilegeEscalation": False}
    spec["containers"][1]["resources"] = {"requests": {"cpu": "20m"}}
    assert cli("restore", "dev", "-f", str(saved), "--yes").exit_code == 0
    (made,) = (each.body for each in host.api.made("POST", "pods"))
    assert made["spec"]["securityContext"] == {"runAsUser": 1000, "fsGroup": 1000}
    assert made["spec"]["nodeSelector"] == {"pool": "a"}
    assert made["spec"]["automountServiceAccountToken"] is False
    assert made["spec"]["serviceAccountName"] == "dev-workload"
    (container,) = made["spec"]["containers"]
    assert container["image"] == "virtualcluster/syncer:0.1.0"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False}
    assert container["resources"] == {"requests": {"cpu": "20m"}}
    assert container["volumeMounts"][0]["mountPath"] == str(volume.data_dir)
    assert made["metadata"]["labels"]["app.kubernetes.io/component"] == "restore"
    (owner,) = made["metadata"]["ownerReferences"]
    assert owner["uid"] == _anchor(host)["metadata"]["uid"]


@pytest.mark.usefixtures("k3s")
def test_a_restore_asks_first(cli: Run, volume: Volume, saved: Path) -> None:
    done = cli("restore", "dev", "-f", str(saved))  # nobody answers
    assert done.exit_code == 1
    assert "replace the state of dev in namespace team-x, which has 1 pods" in done.stderr
    assert volume.seen == []


def test_a_restore_creates_what_is_not_there(
    cli: Run, host: Served, volume: Volume, k3s: State, saved: Path, tmp_path: Path
) -> None:
    keys = k3s.names()
    volume.k3s = k3s.stop()
    there = host.api.objects.all.pop(place("dev", "statefulsets"))
    programs = tmp_path / "programs"
    programs.mkdir()

    def install(asked: Asked) -> None:
        """Make what helm makes, which here is a script: this was asked a moment before."""
        if asked.resource == "namespaces":
            host.api.objects.all[place("dev", "statefulsets")] = there

    host.api.between.append(install)
    helm = programs / "helm"
    helm.write_text(HELM.format(log=tmp_path / "helm.log", status=NOT_FOUND, install="true"))
    helm.chmod(0o755)
    path = f"{programs}:/bin"
    flags = ("--values", str(_values(tmp_path)), "--kubernetes", "1.34")
    asked_first = cli("restore", "dev", "-f", str(saved), *flags, PATH=path)
    assert "an earlier dev left in the claim dev-data?" in asked_first.stderr
    assert not (tmp_path / "helm.log").exists()
    done = cli("restore", "dev", "-f", str(saved), *flags, "--yes", PATH=path)
    assert done.exit_code == 0, done.output
    command = asked(tmp_path, "install")
    assert "--wait" not in command
    assert f"--values={tmp_path}/mine.yaml" in command
    assert names(volume.data_dir) == keys
    assert volume.seen[-3:] == ["stopped", "restore", "started"]


def _values(directory: Path) -> Path:
    made = directory / "mine.yaml"
    made.write_text("storage: {size: 1Gi}")
    return made


# --- what goes wrong


def _older(dev: Obj) -> None:
    dev["spec"]["template"]["spec"]["containers"][0]["image"] = "rancher/k3s:v1.33.1-k3s1"


def _much_newer(dev: Obj) -> None:
    dev["spec"]["template"]["spec"]["containers"][0]["image"] = "rancher/k3s:v1.36.1-k3s1"


def _elsewhere(dev: Obj) -> None:
    dev["spec"]["template"]["spec"]["containers"][1]["args"][-1] = "--k3s-data-dir=/other"


def _in_its_pod(dev: Obj) -> None:
    dev["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_older, "make it one with --kubernetes 1.34"),
        (_much_newer, "make it one with --kubernetes 1.34"),
        (_elsewhere, "set --data-dir="),
        (_in_its_pod, "restore into a virtual cluster with storage.persistence"),
    ],
)
def test_what_cannot_run_on_it_is_left_alone(
    cli: Run, dev: Obj, volume: Volume, saved: Path, change: Callable[[Obj], None], words: str
) -> None:
    change(dev)
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert (done.exit_code, words in done.stderr) == (1, True), done.stderr
    assert volume.seen == []


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [(_cut, 1, "not a usable backup: it is damaged"), (_gone, 3, "no such file")],
)
def test_a_file_is_checked_before_anything_is_stopped(
    cli: Run, volume: Volume, saved: Path, spoil: Callable[[Path], None], code: int, words: str
) -> None:
    spoil(saved)
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert (done.exit_code, words in done.stderr) == (code, True), done.stderr
    assert volume.seen == []


def test_a_restore_that_is_refused_leaves_all_as_it_was(
    cli: Run, host: Served, volume: Volume, k3s: State, saved: Path
) -> None:
    keys = k3s.names()
    script = 'echo \'{"error": "the volume has no room"}\' >&2; exit 1'
    host.api.containers["dev-restore", "restore"] = lambda _: ["sh", "-c", script]
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    said = "error: the volume has no room; 'dev' has the state that it had"
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, said)
    assert volume.seen == ["stopped", "started"]
    assert not _anchor(host)["metadata"].get("annotations")
    assert volume.pod("dev-restore") is None
    assert k3s.stop().data_dir
    assert names(volume.data_dir) == keys


def test_a_restore_of_which_nobody_knows_how_it_ended_starts_nothing(
    cli: Run, host: Served, volume: Volume, saved: Path
) -> None:
    """The volume may be between two states: an empty one must not be taken for the tenant's."""
    host.api.cut_exec = 1
    script = "cat >/dev/null & echo something; sleep 5"
    host.api.containers["dev-restore", "restore"] = lambda _: ["sh", "-c", script]
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert done.exit_code == 1
    assert "'dev' is stopped: run the same command again" in done.stderr
    assert volume.seen == ["stopped"]
    host.api.cut_exec = 0
    host.api.containers["dev-restore", "restore"] = volume.in_restore
    assert cli("restore", "dev", "-f", str(saved), "--yes").exit_code == 0


def test_two_restores_at_once(cli: Run, host: Served, volume: Volume, saved: Path) -> None:
    host.create("pods", "team-x", metadata={"name": "dev-restore"}, status=RUNNING)
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert (done.exit_code, "kubectl delete pod dev-restore" in done.stderr) == (1, True)
    assert volume.seen == ["stopped", "started"]


def test_a_volume_that_was_lost_is_made_first(cli: Run, host: Served, saved: Path) -> None:
    host.api.objects.remove(place("dev-data", "persistentvolumeclaims"))
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert (done.exit_code, "upgrade dev" in done.stderr) == (3, True), done.stderr


@pytest.mark.usefixtures("volume")
def test_values_are_for_what_is_not_there(cli: Run, saved: Path) -> None:
    done = cli("restore", "dev", "-f", str(saved), "--yes", "--set", "a=b")
    assert (done.exit_code, "its chart and values stay" in done.stderr) == (2, True)


def test_a_backup_of_another_cluster_says_which(
    cli: Run, host: Served, volume: Volume, k3s: State, saved: Path
) -> None:
    """A volume that was lost: the empty datastore in between is another one."""
    k3s.stop()
    (volume.data_dir / "server").rename(volume.data_dir / "lost")
    volume.k3s = State(volume.data_dir, OTHER).stop()
    done = cli("restore", "dev", "-f", str(saved), "--yes")
    assert done.exit_code == 0, done.output
    assert _anchor(host)["metadata"]["annotations"] == {deletion_brake.RESTORED: UID}
