"""`create`, `upgrade`, `delete`, `pause`, `resume`: what is asked of helm and of the host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.kube.objects import Obj
from tests.unit.cli.conftest import Run, statefulset
from tests.unit.cli.fakes import LABELS, READY, Served, coredns
from tests.unit.cli.test_status import syncer
from tests.unit.fake_objects import Place
from virtualcluster_cli import connections

HELM = """#!/bin/sh
echo "$@" >> {log}
case $1 in
version) echo v3.20.0 ;;
status) {status} ;;
install) {install} ;;
esac
"""
NOT_FOUND = 'echo "Error: release: not found" >&2; exit 1'


@pytest.fixture
def helm(tmp_path: Path) -> Callable[[str], str]:
    """Put a helm there that writes down what it was asked; returns the PATH."""

    def make(status: str = NOT_FOUND, install: str = "true") -> str:
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        file = programs / "helm"
        file.write_text(HELM.format(log=tmp_path / "helm.log", status=status, install=install))
        file.chmod(0o755)
        return f"{programs}:/bin"

    return make


@pytest.fixture
def chart(tmp_path: Path) -> str:
    made = tmp_path / "chart"
    (made / "values").mkdir(parents=True)
    (made / "Chart.yaml").write_text("name: virtualcluster\nversion: 0.1.0\n")
    (made / "values" / "1.34.yaml").write_text("{}")
    return str(made)


def asked(tmp_path: Path, command: str) -> list[str]:
    lines = (tmp_path / "helm.log").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith(command))
    return line.split()


def test_create(
    cli: Run, host: Served, helm: Callable[[], str], chart: str, tmp_path: Path
) -> None:
    host.create("statefulsets", "team-x", **statefulset("ci"))
    host.create("pods", "team-x", metadata={"name": "ci-0", "labels": LABELS}, status=READY)
    coredns(host, "coredns-ci", release="ci")
    values = tmp_path / "mine.yaml"
    values.write_text("storage: {size: 1Gi}")
    flags = ("-f", str(values), "--set", "a=b", "--kubernetes", "1.34.7")
    done = cli("create", "ci", "--chart", chart, *flags, PATH=helm())
    assert done.exit_code == 0, done.output
    assert "usable: virtualcluster connect ci" in done.stdout
    assert "DNS answers" in done.stderr
    command = asked(tmp_path, "install")
    assert command[:4] == ["install", "ci", chart, "--namespace=team-x"]
    files = [each.partition("=")[2] for each in command if each.startswith("--values")]
    assert files == [f"{chart}/values/1.34.yaml", str(values)]  # the user's own come last
    assert "--set=a=b" in command
    assert "--kube-context=host" in command
    assert "--create-namespace" not in command


def test_what_the_chart_warns_of_is_passed_on(
    cli: Run, host: Served, helm: Callable[..., str], chart: str
) -> None:
    host.create("statefulsets", "team-x", **statefulset("ci"))
    host.create("pods", "team-x", metadata={"name": "ci-0", "labels": LABELS}, status=READY)
    coredns(host, "coredns-ci", release="ci")
    notes = r"printf 'NOTES:\nIt runs.\n\nWarning: no preset for 1.25:\n1.24 was taken.\n\nWait\n'"
    done = cli("create", "ci", "--chart", chart, PATH=helm(install=notes))
    assert done.exit_code == 0, done.output
    assert "warning: no preset for 1.25: 1.24 was taken.\n" in done.stderr
    assert "It runs" not in done.output


def test_create_makes_the_namespace(
    cli: Run, host: Served, helm: Callable[[], str], chart: str, tmp_path: Path
) -> None:
    done = cli("create", "ci", "-n", "fresh", "--chart", chart, "--timeout", "0.1", PATH=helm())
    assert done.exit_code == 6
    assert "--create-namespace" in asked(tmp_path, "install")
    assert host.asked("GET", "namespaces") == 1


def test_create_finds_the_chart_of_a_clone(
    cli: Run, helm: Callable[[], str], tmp_path: Path
) -> None:
    cli("create", "ci", "--timeout", "0.1", PATH=helm())
    assert asked(tmp_path, "install")[2].endswith("charts/virtualcluster")


def test_a_name_that_helm_knows_is_not_created_again(
    cli: Run, helm: Callable[[str], str], chart: str
) -> None:
    state = """echo '{"info": {"status": "deployed"}}'"""
    done = cli("create", "dev", "--chart", chart, PATH=helm(state))
    assert done.exit_code == 1
    assert "already (deployed)" in done.stderr


def test_what_failed_at_once_is_not_left_behind(
    cli: Run, helm: Callable[[str, str], str], chart: str, tmp_path: Path
) -> None:
    """Helm records releases that it did not make, and their names would be taken."""
    there = tmp_path / "release"
    status = (
        f"""[ -e {there} ] && echo '{{"info": {{"status": "failed"}}}}' || {{ {NOT_FOUND}; }}"""
    )
    install = f'touch {there}; echo "Error: INSTALLATION FAILED: no luck" >&2; exit 1'
    done = cli("create", "ci", "--chart", chart, PATH=helm(status, install))
    assert done.exit_code == 1
    assert "helm failed: INSTALLATION FAILED: no luck" in done.stderr
    assert asked(tmp_path, "uninstall")[:2] == ["uninstall", "ci"]


@pytest.mark.usefixtures("dev")
def test_upgrade_keeps_the_values_of_before(
    cli: Run, host: Served, helm: Callable[[], str], chart: str, tmp_path: Path
) -> None:
    coredns(host, "coredns-dev")
    done = cli("upgrade", "dev", "--chart", chart, "--set", "a=b", PATH=helm())
    assert done.exit_code == 0, done.output
    command = asked(tmp_path, "upgrade")
    assert {"--reset-then-reuse-values", "--set=a=b"} <= {*command}


@pytest.mark.usefixtures("dev")
def test_delete_disconnects_first(
    cli: Run,
    helm: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    cli("connect", "dev")
    (connection,) = connections.all_of()
    done = cli("delete", "dev", "--yes", PATH=helm())
    assert done.exit_code == 0, done.output
    assert not connection.alive
    assert asked(tmp_path, "uninstall")[:3] == ["uninstall", "dev", "--namespace=team-x"]


@pytest.mark.usefixtures("dev")
def test_delete_asks_first(cli: Run, helm: Callable[[], str], tmp_path: Path) -> None:
    done = cli("delete", "dev", PATH=helm())  # nobody answers
    assert done.exit_code == 1
    assert "and its data?" in done.stderr
    assert not (tmp_path / "helm.log").exists()


def test_pause_and_resume(cli: Run, host: Served, virt: Served, dev: Obj) -> None:
    owner = [{"controller": True, "kind": "ReplicaSet", "name": "x", "uid": "1"}]
    virt.create("pods", "shop", metadata={"name": "web", "ownerReferences": owner}, spec={})
    coredns(host, "coredns-dev")
    host.create("pods", "team-x", metadata={"name": "somebody-elses"})
    scaled: list[int] = []

    def controller(asked: object) -> None:
        """End or make the pod, as the StatefulSet's controller does."""
        objects = host.api.objects
        there = objects.find("pods", "team-x", "dev-0")
        found = objects.find("statefulsets", "team-x", "dev")
        assert asked
        assert found
        replicas = found["spec"]["replicas"]
        scaled.append(replicas)
        if replicas == 0 and there:
            del objects.all["pods", "team-x", "dev-0"]  # type: ignore[arg-type]
            assert len(objects.of("pods", "team-x")) == 2  # the tenant's are still there
        if replicas == 1 and not there:
            meta = {"name": "dev-0", "labels": LABELS}
            objects.create("pods", "team-x", {"metadata": meta, "status": READY})
            coredns(host, "coredns-dev-2")

    host.api.between.append(controller)
    done = cli("pause", "dev")
    assert done.exit_code == 0, done.output
    assert [each["metadata"]["name"] for each in host.api.objects.of("pods")] == ["somebody-elses"]
    assert cli("list").stdout.splitlines()[1].split()[2] == "Paused"
    done = cli("resume", "dev")
    assert done.exit_code == 0, done.output
    assert [each for each in scaled if each == 1]
    assert cli("resume", "dev").stderr == "virtual cluster dev is not paused\n"
    assert dev["spec"]["replicas"] == 1


def test_pause_and_resume_of_several_replicas(cli: Run, host: Served, dev: Obj) -> None:
    dev["spec"]["replicas"] = 3
    for number in (1, 2):
        meta = {"name": f"dev-{number}", "labels": LABELS}
        host.create("pods", "team-x", metadata=meta, status=READY)

    def controller(_asked: object) -> None:
        objects = host.api.objects
        found = objects.get(Place("statefulsets", "team-x", "dev"))
        pods = [each for each in objects.all if each.plural == "pods"]
        if found["spec"]["replicas"] == 0 and pods:
            del objects.all[max(pods)]  # one at a time: the last one counts too
        for number in range(found["spec"]["replicas"] if not pods else 0):
            meta = {"name": f"dev-{number}", "labels": LABELS}
            objects.create("pods", "team-x", {"metadata": meta, "status": READY})
            coredns(host, f"coredns-dev-{number}")

    host.api.between.append(controller)
    done = cli("pause", "dev", "--force")
    assert done.exit_code == 0, done.output
    assert not host.api.objects.of("pods", "team-x")
    done = cli("resume", "dev")
    assert done.exit_code == 0, done.output
    found = host.api.objects.get(Place("statefulsets", "team-x", "dev"))
    assert found["spec"]["replicas"] == 3
    assert not found["metadata"].get("annotations")


def test_replica_that_is_ready_is_the_one_that_is_asked(
    cli: Run, host: Served, virt: Served, dev: Obj
) -> None:
    dev["spec"]["replicas"] = 2
    first = host.api.objects.get(Place("pods", "team-x", "dev-0"))
    first["status"] = {"phase": "Pending"}
    host.create("pods", "team-x", metadata={"name": "dev-1", "labels": LABELS}, status=READY)
    host.api.behind = {("dev-1", 8443): lambda: virt.port}
    assert cli("list").stdout.splitlines()[1].split()[2] == "Ready"
    with syncer() as port:
        host.api.behind["dev-1", 8081] = lambda: port
        done = cli("status", "dev")
    assert done.exit_code == 0, done.output
