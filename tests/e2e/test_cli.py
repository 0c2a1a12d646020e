"""The command line, by a user who may administer one namespace of the host and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
import yaml

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.commandline import CommandLine
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.session import BASELINE, Session
from tests.e2e.shell import Done
from tests.e2e.test_refusals import PAIRS
from tests.e2e.waiting import Pending, until

SECONDS = 120.0


class Dev(NamedTuple):
    """A virtual cluster that the command line created, and its user's command line."""

    cli: CommandLine
    name: str
    namespace: str
    said: str

    def inside(self, *command: str, check: bool = True) -> str:
        """Run kubectl inside, by `connect NAME -- …`."""
        args = ("connect", self.name, "-n", self.namespace, "--", "kubectl", *command)
        return self.cli(*args, check=check).out


@pytest.fixture(scope="module")
def dev(session: Session) -> Iterator[Dev]:
    namespace = session.namespace("cli", BASELINE)
    user = session.user(session.namespace("cli-users"), "developer", "admin", namespace)
    cli = CommandLine(user.kubeconfig, session.scratch / "cli")
    session.release("dev", namespace)  # what fails shows its state
    said = cli.create("dev", namespace).err
    yield Dev(cli, "dev", namespace, said)
    cli("delete", "dev", "-n", namespace, "--yes")
    assert cli.data("list", "-n", namespace) == []


def test_create_shows_the_stages_until_it_is_usable(dev: Dev) -> None:
    for stage in ("pod scheduled", "Kubernetes API answers", "syncer in sync", "DNS answers"):
        assert stage in dev.said


def test_a_command_inside_and_its_exit_code(dev: Dev) -> None:
    assert "kube-system" in dev.inside("get", "namespaces")
    args = ("connect", "dev", "-n", dev.namespace, "--", "sh", "-c", "exit 42")
    assert dev.cli(*args, check=False).code == 42
    assert dev.cli.processes() == []


def test_list(dev: Dev) -> None:
    (found,) = dev.cli.data("list", "-n", dev.namespace)
    assert (found["name"], found["phase"]) == ("dev", "Ready")


def test_connect_outlives_the_pod(dev: Dev, host: Side) -> None:
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        kubectl("create", "namespace", "before")
        old = host.api.get("Pod", "dev-0", dev.namespace)["metadata"]["uid"]
        host.api.delete("Pod", "dev-0", dev.namespace, grace=0)

        def answered() -> bool:
            """Ask for as long as the pod is away: no answer may end the port-forward."""
            done = kubectl("get", "namespace", "before", check=False, timeout=90.0)
            now = host.api.find("Pod", "dev-0", dev.namespace)
            if now is None or now["metadata"]["uid"] == old:
                raise Pending("the old pod is still there")
            if done.code != 0:
                raise Pending(done.err)
            return True

        until("the same context answers again", answered, SECONDS)


def test_a_question_that_is_asked_while_the_pod_is_away_waits_for_it(dev: Dev, host: Side) -> None:
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        kubectl("get", "namespaces")
        host.api.delete("Pod", "dev-0", dev.namespace, grace=0)
        until("it is away", lambda: not _ready(host, dev), SECONDS)
        # API server and kubectl meet once the TLS port is open; what it needs then is its start.
        until(
            "kubectl is answered",
            lambda: kubectl("get", "--raw", "/readyz", check=False, timeout=90.0).code == 0,
            SECONDS,
        )


def _ready(host: Side, dev: Dev) -> bool:
    pod = host.api.find("Pod", "dev-0", dev.namespace)
    conditions = ((pod or {}).get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def test_two_connects_at_once(dev: Dev, session: Session) -> None:
    second = CommandLine(dev.cli.host, session.scratch / "cli-second")
    with (
        dev.cli.connected("dev", dev.namespace) as here,
        second.connected("dev", dev.namespace) as there,
    ):
        assert "kube-system" in here("get", "namespaces").out
        assert "kube-system" in there("get", "namespaces").out


def test_what_runs_inside_survives_pause_and_resume(dev: Dev, host: Side) -> None:
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        web = manifests.deployment("web", "default", 2, manifests.web())
        kubectl("apply", "-f", "-", stdin=json.dumps(web).encode())
        kubectl("rollout", "status", "deployment/web", "--timeout=120s", timeout=150.0)
        kubectl("create", "configmap", "kept", "--from-literal=a=b")
    dev.cli("pause", "dev", "-n", dev.namespace)
    assert host.api.all("Pod", dev.namespace) == []
    refused = dev.cli("connect", "dev", "-n", dev.namespace, check=False)
    assert (refused.code, "resume dev" in refused.err) == (6, True)
    dev.cli("resume", "dev", "-n", dev.namespace)
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        assert kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}").out == "b"
        kubectl("rollout", "status", "deployment/web", "--timeout=120s", timeout=150.0)


def test_status(dev: Dev) -> None:
    found = dev.cli.data("status", "dev", "-n", dev.namespace)
    assert found["phase"] == "Ready"
    assert found["notes"] == []
    assert found["sync"]["ready"] == 1.0
    assert {each["name"] for each in found["certificates"]} == {
        "cluster authority",
        "administrator",
        "API server",
    }
    assert all(each["days"] > 0 for each in found["certificates"])
    pods = next(each for each in found["counts"] if each["kind"] == "pods")
    assert pods["inside"] >= 1
    assert "Certificates" in dev.cli("status", "dev", "-n", dev.namespace).out


def test_a_token_for_ci(dev: Dev, session: Session) -> None:
    dev.inside("create", "serviceaccount", "ci", "-n", "default")
    dev.inside("create", "rolebinding", "ci", "--clusterrole=view", "--serviceaccount=default:ci")
    args = ("kubeconfig", "dev", "-n", dev.namespace, "--service-account", "ci", "--ttl", "10m")
    content = yaml.safe_load(dev.cli(*args).out)
    assert content["clusters"][0]["cluster"]["server"] == f"https://dev.{dev.namespace}.svc"
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        own = yaml.safe_load(dev.cli.host.read_text())
        (cluster,) = (e for e in own["clusters"] if e["name"] == f"dev_{dev.namespace}")
        content["clusters"][0]["cluster"]["server"] = cluster["cluster"]["server"]
        file = session.scratch / "ci.kubeconfig"
        file.write_text(yaml.safe_dump(content))
        flags = ("--kubeconfig", str(file))
        assert kubectl("get", "pods", *flags, check=False).code == 0
        assert "forbidden" in kubectl("get", "secrets", *flags, check=False).err


@pytest.mark.parametrize("case", PAIRS)
def test_explain_names_the_rule_of_a_refusal(dev: Dev, refused: str, case: str) -> None:
    def explained() -> Obj:
        args = ("explain", f"pod/bad-{case}", "-n", refused, "--cluster", f"{dev.namespace}/dev")
        found: Obj = dev.cli.data(*args)
        if not found["refusals"]:
            raise Pending(found["state"])
        return found

    found = until("it is told", explained, SECONDS)
    assert (found["state"], found["exists"]) == ("refused", False)
    (told,) = found["refusals"]
    assert told["reason"] == "PodSecurity"
    assert "podSecurityStandard" in told["rule"]
    assert PAIRS[case].says in told["message"]


@pytest.fixture(scope="module")
def refused(dev: Dev) -> str:
    """Pods that will be refused; returns their namespace."""
    with dev.cli.connected("dev", dev.namespace) as kubectl:
        kubectl("create", "namespace", "refused")
        until(
            "pods can be created",
            lambda: kubectl("get", "sa", "default", "-n", "refused", check=False).code == 0,
        )
        for name, pair in PAIRS.items():
            pod = manifests.pod(f"bad-{name}", "refused")
            pod["spec"].update(pair.refused)
            kubectl("create", "-f", "-", stdin=json.dumps(pod).encode())
    return "refused"


def test_explain_from_either_side(
    session: Session, virt: Virtual, release: Release, space: str
) -> None:
    """Of the shared installation, which the host's administrator asks about."""
    cli = CommandLine(release.host.kubectl.kubeconfig, session.scratch / "cli-admin")
    virt.api.create(manifests.pod("seen", space, labels={"app": "seen"}))
    made = until("it has a twin", lambda: virt.api.find("Pod", "seen", space))
    twin = until("the twin is there", lambda: _twin(release, made))
    cluster = f"{release.namespace}/{release.name}"
    found = cli.data("explain", "pod/seen", "-n", space, "--cluster", cluster)
    assert (found["exists"], found["twin"]) == (True, f"{release.namespace}/{twin}")
    mapped = {each["path"]: each["outcome"] for each in found["fields"]}
    assert mapped["metadata.labels[app]"] == "mapped"
    assert [path for path, outcome in mapped.items() if outcome == "differs"] == []
    back = cli.data("explain", f"pod/{twin}", "-n", release.namespace, "--host")
    assert (back["namespace"], back["name"]) == (space, "seen")


def _twin(release: Release, virt_pod: Obj) -> str:
    uid = virt_pod["metadata"]["uid"]
    notes = [(each["metadata"]["annotations"], each) for each in release.host_pods()]
    names = [e["metadata"]["name"] for n, e in notes if n.get("virtualcluster.dev/uid") == uid]
    return names[0] if names else ""


# What is wrong with an installation, the values that make it so, and what is said.
WAITING: dict[str, tuple[Obj, tuple[str, ...]]] = {
    "image": ({"syncer": {"image": "nowhere.invalid/syncer:0"}}, ("cannot be pulled",)),
    "class": ({"storage": {"className": "none-such"}}, ("none-such", "storage.className")),
    "node": (
        {"nodeSelector": {"pool": "none-such"}},
        ("the pod of the control plane cannot be scheduled", "free resources"),
    ),
    "quota": ({}, ("exceeded quota",)),
    "restricted": ({}, ("Pod Security rejects the pod",)),
}
"""Those that are waited for: what is wrong might come right."""
WRONG: dict[str, tuple[Obj, int, tuple[str, ...]]] = {
    "value": ({"storage": {"sise": "1Gi"}}, 1, ("sise", "see the chart's README")),
    "chart": ({"storage": {"keep": True, "persistence": False}}, 1, ("storage.keep needs",)),
    "range": (
        {
            "preflight": {"enabled": True},
            "virtualCluster": {"extraArgs": ["--service-cidr=10.43.0.0/16"]},
        },
        1,
        ("does not contain the host's Service range", "leave it out"),
    ),
    "right": ({"sync": {"nodes": {"enabled": True}}}, 4, ("clusterroles", "leave the values off")),
}


@pytest.fixture(scope="module")
def waited(dev: Dev, session: Session) -> dict[str, Done]:
    """What `create` says of each: all at once, since each is given half a minute."""
    places = dict.fromkeys(WAITING, dev.namespace)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    places["restricted"] = session.namespace("cli-restricted", labels)
    places["quota"] = session.namespace("cli-quota")
    hard = {"hard": {"limits.memory": "1Mi"}}
    quota: Obj = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": hard}
    quota["metadata"] = manifests.meta("small", places["quota"])
    path = f"/api/v1/namespaces/{places['quota']}/resourcequotas"
    session.host.api.json("POST", path, quota)
    for case, namespace in places.items():
        session.release(f"wrong-{case}", namespace)

    def create(case: str) -> Done:
        cli, namespace = dev.cli, places[case]
        if namespace != dev.namespace:
            kubeconfig = session.host.kubectl.kubeconfig
            cli = CommandLine(kubeconfig, session.scratch / f"cli-{case}")
        done = _create(cli, session, case, namespace, WAITING[case][0])
        cli("delete", f"wrong-{case}", "-n", namespace, "--yes")
        return done

    with ThreadPoolExecutor(len(WAITING)) as pool:
        return dict(zip(WAITING, pool.map(create, WAITING), strict=True))


def _create(cli: CommandLine, session: Session, case: str, namespace: str, values: Obj) -> Done:
    file = session.scratch / f"wrong-{case}.yaml"
    # Without the check before: it would find the same out by itself.
    file.write_text(yaml.safe_dump({"preflight": {"enabled": False}, **values}))
    return cli.create(f"wrong-{case}", namespace, "-f", str(file), check=False)


def _one_line(done: Done, code: int, words: tuple[str, ...]) -> None:
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.code == code, done.err
    assert len(errors) == 1
    assert [each for each in words if each not in errors[0]] == [], errors
    assert "Traceback" not in done.err


@pytest.mark.parametrize("case", WAITING)
def test_what_keeps_an_installation_waiting_has_one_line_of_cause_and_cure(
    waited: dict[str, Done], case: str
) -> None:
    _one_line(waited[case], 6, WAITING[case][1])


@pytest.mark.parametrize("case", WRONG)
def test_what_goes_wrong_has_one_line_of_cause_and_cure(
    dev: Dev, session: Session, case: str
) -> None:
    values, code, words = WRONG[case]
    session.release(f"wrong-{case}", dev.namespace)
    _one_line(_create(dev.cli, session, case, dev.namespace, values), code, words)
