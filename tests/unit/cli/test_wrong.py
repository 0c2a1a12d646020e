"""Ways to be wrong: each ends with one line of cause and cure, a code of its kind, and no trace.

What needs a real cluster to go wrong is in tests/e2e/test_cli.py, and the usual ones on a real
host in test_cli_wrong.py; how a virtual cluster that does not come up is read is in test_stages.py,
what helm says in test_helm.py.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from syncer.kube.objects import Obj
from tests.unit.cli.conftest import Run, statefulset
from tests.unit.cli.fakes import Pki, Served, kubeconfig
from tests.unit.fake_faults import Fault

HELM = """#!/bin/sh
case $1 in
version) echo "{version}" ;;
status) echo "Error: release: not found" >&2; exit 1 ;;
*) cat >&2 <<'END'
{said}
END
exit 1 ;;
esac
"""


class Place(NamedTuple):
    """Where something is to be wrong."""

    host: Served
    virt: Served
    config: Path
    directory: Path
    programs: Path

    def helm(self, said: str = "", version: str = "v3.20.0") -> None:
        """Put a helm there that fails."""
        file = self.programs / "helm"
        file.write_text(HELM.format(said=said, version=version))
        file.chmod(0o755)

    def chart(self) -> str:
        """Return the directory of a chart with one preset."""
        made = self.directory / "chart"
        (made / "values").mkdir(parents=True)
        (made / "Chart.yaml").write_text("name: virtualcluster\nversion: 0.1.0\n")
        (made / "values" / "1.34.yaml").write_text("{}")
        return str(made)

    def kubeconfig(self, **changes: str) -> None:
        """Change the entry of the host's cluster."""
        content = yaml.safe_load(self.config.read_text())
        content["clusters"][0]["cluster"].update(changes)
        self.config.write_text(yaml.safe_dump(content))


Way = tuple[Callable[[Place], tuple[str, ...]], int, tuple[str, ...]]
WAYS: dict[str, Way] = {}


def way(code: int, *words: str) -> Callable[[Callable[[Place], tuple[str, ...]]], None]:
    """Add a way: the function arranges it and returns the command line."""

    def add(arrange: Callable[[Place], tuple[str, ...]]) -> None:
        WAYS[arrange.__name__] = (arrange, code, words)

    return add


@way(5, "no kubeconfig at", "set KUBECONFIG")
def no_kubeconfig(place: Place) -> tuple[str, ...]:
    place.config.unlink()
    return ("list",)


@way(1, "is not valid YAML in line", "correct it")
def broken_kubeconfig(place: Place) -> tuple[str, ...]:
    place.config.write_text("apiVersion: v1\nclusters: [\n")
    return ("list",)


@way(1, "is not a kubeconfig", "use another file")
def something_else_as_kubeconfig(place: Place) -> tuple[str, ...]:
    place.config.write_text("just words")
    return ("list",)


@way(3, "no context 'prod'", "there are host", "--context")
def wrong_context(_place: Place) -> tuple[str, ...]:
    return ("list", "--context", "prod")


@way(5, "has no current context", "one of host")
def no_current_context(place: Place) -> tuple[str, ...]:
    content = yaml.safe_load(place.config.read_text())
    del content["current-context"]
    place.config.write_text(yaml.safe_dump(content))
    return ("list",)


@way(5, "does not answer at http://127.0.0.1:1 (connection refused)", "check that it runs")
def no_cluster(place: Place) -> tuple[str, ...]:
    place.kubeconfig(server="http://127.0.0.1:1")
    return ("list",)


@way(5, "its name cannot be resolved", "check that it runs")
def wrong_address(place: Place) -> tuple[str, ...]:
    place.kubeconfig(server="http://no-such-host.invalid:1")
    return ("list",)


@way(5, "certificate of the host cluster", "is not trusted", "get a new kubeconfig")
def another_clusters_certificate(place: Place) -> tuple[str, ...]:
    place.kubeconfig(server=place.virt.api.url)
    return ("list",)


@way(4, "rejects you", "log in again")
def credentials_that_ran_out(place: Place) -> tuple[str, ...]:
    place.host.api.faults.add(Fault(status=401, reason="Unauthorized"))
    return ("list",)


FORBIDDEN = 'statefulsets.apps is forbidden: User "eve" cannot list resource "statefulsets" in API '


@way(4, "you are not allowed to list statefulsets in namespace team-x", "ClusterRole admin")
def no_right(place: Place) -> tuple[str, ...]:
    message = FORBIDDEN + 'group "apps" in the namespace "team-x"'
    place.host.api.faults.add(Fault(status=403, reason="Forbidden", message=message))
    return ("list",)


@way(4, "you are not allowed to list statefulsets in all of the host cluster", "-n")
def no_right_in_all_namespaces(place: Place) -> tuple[str, ...]:
    message = FORBIDDEN + 'group "apps" at the cluster scope'
    place.host.api.faults.add(Fault(status=403, reason="Forbidden", message=message))
    return ("list", "-A")


@way(4, "you are not allowed to forward ports of pods in namespace team-x", "pods/portforward")
def no_right_to_connect(place: Place) -> tuple[str, ...]:
    place.host.api.allowed = False
    return ("connect", "dev")


@way(3, "no virtual cluster 'dve' in namespace team-x", "did you mean 'dev'?")
def wrong_name(_place: Place) -> tuple[str, ...]:
    return ("status", "dve")


@way(3, "no virtual cluster 'dev' in namespace team-y", "list --all-namespaces")
def wrong_namespace(_place: Place) -> tuple[str, ...]:
    return ("connect", "dev", "-n", "team-y")


@way(3, "no virtual cluster 'db'", "there are dev")
def name_of_something_else(place: Place) -> tuple[str, ...]:
    place.host.create("statefulsets", "team-x", metadata={"name": "db"}, spec={})
    return ("pause", "db")


@way(1, "'Dev_1' is not a valid name of a virtual cluster", "lower case letters")
def impossible_name(place: Place) -> tuple[str, ...]:
    place.helm()
    return ("create", "Dev_1")


@way(127, "helm is not installed", "install Helm 3")
def no_helm(_place: Place) -> tuple[str, ...]:
    return ("create", "ci")


@way(1, "helm v3.2.1 is too old", "install 3.8 or newer")
def old_helm(place: Place) -> tuple[str, ...]:
    place.helm(version="v3.2.1")
    return ("create", "ci")


@way(3, "no chart at nowhere", "pass another --chart")
def no_chart(place: Place) -> tuple[str, ...]:
    place.helm()
    return ("create", "ci", "--chart", "nowhere")


@way(1, "is not the virtualcluster chart", "pass another --chart")
def another_chart(place: Place) -> tuple[str, ...]:
    place.helm()
    return ("create", "ci", "--chart", str(place.directory))


@way(1, "cannot be downloaded from http://127.0.0.1:1", "check the address")
def no_repository(place: Place) -> tuple[str, ...]:
    place.helm("Error: looks like it is not a valid chart repository")
    return ("create", "ci", "--repo", "http://127.0.0.1:1")


@way(3, "no preset for Kubernetes 1.99", "there are 1.34")
def unknown_kubernetes(place: Place) -> tuple[str, ...]:
    place.helm()
    return ("create", "ci", "--chart", place.chart(), "--kubernetes", "1.99")


@way(1, "values file gone.yaml cannot be read (No such file or directory)", "correct the path")
def no_values_file(place: Place) -> tuple[str, ...]:
    place.helm()
    return ("create", "ci", "--chart", place.chart(), "-f", "gone.yaml")


@way(1, "is not valid YAML in line 1", "correct it")
def broken_values_file(place: Place) -> tuple[str, ...]:
    place.helm()
    file = place.directory / "values.yaml"
    file.write_text("storage: {size: 5Gi")
    return ("create", "ci", "--chart", place.chart(), "-f", str(file))


@way(1, "additional properties 'sise' not allowed", "see the chart's README")
def unknown_value(place: Place) -> tuple[str, ...]:
    place.helm(
        "Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the"
        " following chart(s):\nvirtualcluster:\n"
        "- at '/storage': additional properties 'sise' not allowed"
    )
    return ("create", "ci", "--chart", place.chart(), "--set", "storage.sise=1Gi")


@way(1, "the host has no default StorageClass", "set storage.className")
def no_default_storage_class(place: Place) -> tuple[str, ...]:
    place.helm(
        '{"error": "the host has no default StorageClass: set storage.className", "event": "x"}\n'
        "Error: INSTALLATION FAILED: failed pre-install: pod virtualcluster/ci-preflight failed"
    )
    return ("create", "ci", "--chart", place.chart())


@way(6, "exceeded quota: q", "raise the quota")
def quota_exceeded(place: Place) -> tuple[str, ...]:
    found = place.host.api.objects.find("statefulsets", "team-x", "dev")
    assert found
    found["spec"]["replicas"] = 0
    del place.host.api.objects.all["pods", "team-x", "dev-0"]  # type: ignore[arg-type]
    place.host.create(
        "events",
        "team-x",
        metadata={"name": "dev.1"},
        involvedObject={"kind": "StatefulSet", "name": "dev", "uid": found["metadata"]["uid"]},
        reason="FailedCreate",
        message='pods "dev-0" is forbidden: exceeded quota: q, used: 1Gi, limited: 1Gi',
    )
    return ("resume", "dev", "--timeout", "0.1")


@way(6, "reg.example/syncer:1 of container syncer cannot be pulled (denied)", "imagePullSecrets")
def image_not_pullable(place: Place) -> tuple[str, ...]:
    found = place.host.api.objects.find("statefulsets", "team-x", "dev")
    pod = place.host.api.objects.find("pods", "team-x", "dev-0")
    assert found
    assert pod
    found["spec"]["replicas"] = 0
    waiting = {"reason": "ErrImagePull", "message": "denied"}
    syncer = {"name": "syncer", "image": "reg.example/syncer:1", "state": {"waiting": waiting}}
    scheduled = {"type": "PodScheduled", "status": "True"}
    pod["status"] = {"conditions": [scheduled], "containerStatuses": [syncer]}
    return ("resume", "dev", "--timeout", "0.1")


@way(6, "still waiting for: pod scheduled", "--timeout")
def nothing_happens(place: Place) -> tuple[str, ...]:
    place.host.create("statefulsets", "team-x", **statefulset("slow", replicas=0))
    return ("resume", "slow", "--timeout", "0.1")


@way(1, "of this machine cannot be used (Address already in use)", "--port")
def port_taken(place: Place) -> tuple[str, ...]:
    return ("connect", "dev", "--port", str(place.host.port))


@way(6, "virtual cluster 'dev' is paused", "virtualcluster resume dev -n team-x")
def paused(place: Place) -> tuple[str, ...]:
    found = place.host.api.objects.find("statefulsets", "team-x", "dev")
    assert found
    found["spec"]["replicas"] = 0
    return ("connect", "dev")


@way(6, "has not published its kubeconfig yet", "virtualcluster status dev")
def not_up_yet(place: Place) -> tuple[str, ...]:
    del place.host.api.objects.all["secrets", "team-x", "vc-dev"]  # type: ignore[arg-type]
    return ("connect", "dev")


@way(1, "cannot be written (File exists)", "--kubeconfig-out")
def kubeconfig_that_cannot_be_written(place: Place) -> tuple[str, ...]:
    return ("connect", "dev", "--kubeconfig-out", str(place.config / "below"))


@way(1, "that connect did not create", "--context-name")
def context_name_taken(_place: Place) -> tuple[str, ...]:
    return ("connect", "dev", "--context-name", "host")


@way(127, "no program 'kubectl-0' on PATH", "install it")
def no_kubectl(_place: Place) -> tuple[str, ...]:
    return ("connect", "dev", "--", "kubectl-0", "get", "pods")


@way(3, "no connection to 'dev'", "there are no connections")
def not_connected(_place: Place) -> tuple[str, ...]:
    return ("disconnect", "dev")


@way(2, "is not that of a virtual cluster: pass NAME")
def not_inside(_place: Place) -> tuple[str, ...]:
    return ("disconnect",)


@way(3, "has no service account 'ci' in namespace default", "kubectl create serviceaccount ci")
def no_service_account(_place: Place) -> tuple[str, ...]:
    return ("kubeconfig", "dev", "--service-account", "ci")


@way(2, "5m is too short", "at least 10m")
def token_too_short(_place: Place) -> tuple[str, ...]:
    return ("kubeconfig", "dev", "--ttl", "5m")


@way(2, "is not a duration", "use 30m, 1h or 7d")
def no_duration(_place: Place) -> tuple[str, ...]:
    return ("kubeconfig", "dev", "--ttl", "soon")


@way(1, "'dev.example.com' is not the address of an API server", "write https://host")
def no_address(_place: Place) -> tuple[str, ...]:
    return ("kubeconfig", "dev", "--server", "dev.example.com")


@way(1, "keeps its data in its pod", "--force")
def pause_that_would_lose_data(place: Place) -> tuple[str, ...]:
    made = statefulset("tmp")
    made["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    place.host.create("statefulsets", "team-x", **made)
    return ("pause", "tmp")


@way(1, "1 pods of 'dev' have no controller and would be lost (shop/bare)", "--force")
def pause_that_would_lose_pods(place: Place) -> tuple[str, ...]:
    place.virt.create("pods", "shop", metadata={"name": "bare"}, spec={})
    return ("pause", "dev")


@way(3, "has no Pod 'web'", "-n")
def no_such_object(_place: Place) -> tuple[str, ...]:
    return ("explain", "pod/web")


@pytest.fixture
def place(host: Served, virt: Served, dev: Obj, config: Path, tmp_path: Path, pki: Pki) -> Place:
    assert dev
    assert pki
    programs = tmp_path / "programs"
    programs.mkdir()
    return Place(host, virt, config, tmp_path, programs)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_to_be_wrong(place: Place, cli: Run, name: str) -> None:
    arrange, code, words = WAYS[name]
    done = cli(*arrange(place), PATH=f"{place.programs}:/bin:/usr/bin")
    said = done.stderr.strip().splitlines()
    assert done.exit_code == code, done.output
    assert [each for each in words if each not in said[-1]] == [], done.stderr
    errors = [line for line in said if line.lower().startswith("error")]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit)


USUAL = {
    *("no_cluster", "no_right", "wrong_name", "no_default_storage_class", "image_not_pullable"),
    *("port_taken", "quota_exceeded"),
}
"""Those that everybody meets; an old kubectl is only warned of (test_skew.py)."""


def test_there_are_twenty_of_them_and_the_usual_ones_are_among_them() -> None:
    assert len(WAYS) >= 20
    assert set(WAYS) >= USUAL


@pytest.mark.usefixtures("dev")
def test_the_port_is_free_again_when_connecting_failed(cli: Run) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    taken.close()
    done = cli("connect", "dev", "--port", str(port), "--context-name", "host")
    assert done.exit_code == 1
    socket.create_server(("127.0.0.1", port)).close()


def test_another_machines_kubeconfig_is_left_as_it_is(place: Place, cli: Run) -> None:
    kubeconfig(place.config, place.host.api.url)
    before = place.config.read_bytes()
    cli("connect", "dev", "--context-name", "host")
    assert place.config.read_bytes() == before
