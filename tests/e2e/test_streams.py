"""logs, exec, attach, port-forward and cp, with kubectl as it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_phase, wait_ready
from tests.e2e.portforward import PortForward
from tests.e2e.release import Release, Virtual
from tests.e2e.shell import Done, Failed, Program, in_terminal
from tests.e2e.signing import signed
from tests.e2e.waiting import until
from tests.escapes.wire import Kubelet

# kubectl speaks WebSocket today and SPDY before 1.31; both must pass.
PROTOCOLS = {"websocket": "true", "spdy": "false"}
TICKER = "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.2; done"


@pytest.fixture(params=PROTOCOLS)
def kubectl(virt: Virtual, request: pytest.FixtureRequest) -> Program:
    on = PROTOCOLS[request.param]
    return virt.kubectl.with_env(
        KUBECTL_REMOTE_COMMAND_WEBSOCKETS=on, KUBECTL_PORT_FORWARD_WEBSOCKETS=on
    )


@pytest.fixture(scope="module")
def pods(virt: Virtual, space: str) -> str:
    """The pods of this file; returns their namespace."""
    echo = manifests.shell("while read line; do echo got $line; done", stdin=True, stdinOnce=False)
    virt.api.create(
        manifests.pod("web", space, manifests.web()),
        manifests.pod("ticker", space, manifests.shell(TICKER)),
        manifests.pod("echo", space, echo),
        manifests.pod(
            "two",
            space,
            manifests.shell("echo one; sleep 3600", name="one"),
            manifests.shell("echo two; sleep 3600", name="two"),
        ),
        _two_lives(space),
    )
    wait_ready(virt, space, "web", "ticker", "echo", "two")
    return space


def _two_lives(space: str) -> Obj:
    """Return a pod whose container fails once: the kubelet forgets what failed before that."""
    script = "[ -e /kept/first ] && echo second && exec sleep 3600; echo first > /kept/first; "
    mount = [{"name": "kept", "mountPath": "/kept"}]
    container = manifests.shell(script + "cat /kept/first; exit 3", volumeMounts=mount)
    return manifests.pod("twice", space, container, volumes=[{"name": "kept", "emptyDir": {}}])


# --- logs


def test_logs_show_what_a_container_wrote(virt: Virtual, pods: str) -> None:
    until("tick 3", lambda: "tick 3\n" in virt.kubectl("logs", "-n", pods, "ticker").out, 15)
    lines = virt.kubectl("logs", "-n", pods, "ticker").out.splitlines()
    assert lines[:3] == ["tick 1", "tick 2", "tick 3"]


def test_logs_of_one_container_and_of_all(virt: Virtual, pods: str) -> None:
    assert virt.kubectl("logs", "-n", pods, "two", "-c", "two").out == "two\n"
    every = virt.kubectl("logs", "-n", pods, "two", "--all-containers", "--prefix").out
    assert sorted(line.split()[-1] for line in every.splitlines()) == ["one", "two"]


def test_logs_tail_and_since_show_the_end(virt: Virtual, pods: str) -> None:
    until("tick 20", lambda: "tick 20\n" in virt.kubectl("logs", "-n", pods, "ticker").out, 20)
    tail = virt.kubectl("logs", "-n", pods, "ticker", "--tail=4").out.splitlines()
    assert len(tail) == 4
    recent = virt.kubectl("logs", "-n", pods, "ticker", "--since=1s").out.splitlines()
    assert "tick 1" not in recent
    stamped = virt.kubectl("logs", "-n", pods, "ticker", "--tail=1", "--timestamps").out
    assert stamped.startswith("20")
    assert stamped.split()[1] == "tick"


def test_logs_follow_shows_lines_as_they_come(virt: Virtual, pods: str) -> None:
    with virt.kubectl.start("logs", "-f", "--tail=1", "-n", pods, "ticker") as process:
        try:
            began = time.monotonic()
            numbers = [int(_line(process).split()[1]) for _ in range(8)]
            took = time.monotonic() - began
        finally:
            process.terminate()
            process.communicate(timeout=10)
    assert numbers == list(range(numbers[0], numbers[0] + 8)), "no line is lost or doubled"
    assert took > 0.7, "they came one by one, not all at once"


def test_logs_follow_ends_with_the_container(virt: Virtual, pods: str) -> None:
    virt.api.create(
        manifests.pod("ending", pods, manifests.shell("sleep 3; echo last"), restartPolicy="Never")
    )
    wait_phase(virt, pods, "ending", "Running", "Succeeded")
    assert virt.kubectl("logs", "-f", "-n", pods, "ending", timeout=30).out == "last\n"


def test_logs_previous_shows_the_container_before(virt: Virtual, pods: str) -> None:
    def second() -> bool:
        return virt.kubectl("logs", "-n", pods, "twice").out == "second\n"

    until("the container was restarted", second, 60, despite=(Failed,))
    assert virt.kubectl("logs", "--previous", "-n", pods, "twice").out == "first\n"
    refused = virt.kubectl("logs", "--previous", "-n", pods, "ticker", check=False)
    assert refused.code != 0
    assert "previous terminated container" in refused.err


def test_logs_of_a_container_that_is_not_there_say_so(virt: Virtual, pods: str) -> None:
    refused = virt.kubectl("logs", "-n", pods, "web", "-c", "nobody", check=False)
    assert refused.code != 0
    assert "nobody" in refused.err


# --- exec


def test_exec_passes_input_and_output_unchanged(kubectl: Program, pods: str) -> None:
    data = os.urandom(300_000)
    command = ("exec", "-i", "-n", pods, "ticker", "--", "sha256sum")
    assert kubectl(*command, stdin=data).out.split()[0] == hashlib.sha256(data).hexdigest()
    text = b"".join(b"line %d\n" % n for n in range(20_000))
    assert kubectl("exec", "-i", "-n", pods, "ticker", "--", "cat", stdin=text).out == text.decode()


def test_exec_keeps_output_and_errors_apart(kubectl: Program, pods: str) -> None:
    done = kubectl("exec", "-n", pods, "ticker", "--", "sh", "-c", "echo out; echo err >&2")
    assert done.out == "out\n"
    assert "err\n" in done.err


@pytest.mark.parametrize("code", [0, 1, 7, 137])
def test_exec_returns_the_exit_code(kubectl: Program, pods: str, code: int) -> None:
    done = kubectl("exec", "-n", pods, "ticker", "--", "sh", "-c", f"exit {code}", check=False)
    assert done.code == code


def test_exec_of_what_is_not_there_fails_clearly(kubectl: Program, pods: str) -> None:
    done = kubectl("exec", "-n", pods, "ticker", "--", "no-such-program", check=False)
    assert done.code != 0
    assert "no-such-program" in done.err


def test_exec_in_a_terminal_has_its_size(kubectl: Program, pods: str) -> None:
    # The size arrives after the process has begun.
    script = "until [ \"$(stty size)\" = '33 111' ]; do sleep 0.1; done; tty; echo sized"
    argv = [
        "kubectl",
        "exec",
        "-it",
        "-n",
        pods,
        "ticker",
        "--",
        "timeout",
        "20",
        "sh",
        "-c",
        script,
    ]
    done = in_terminal(argv, kubectl.env, size=(33, 111))
    assert done.code == 0, done.out
    assert "/dev/pts/" in done.out
    assert "sized" in done.out


def test_exec_in_a_terminal_takes_what_is_typed(kubectl: Program, pods: str) -> None:
    argv = ["kubectl", "exec", "-it", "-n", pods, "ticker", "--", "sh"]
    done = in_terminal(argv, kubectl.env, typed="echo $((6*7))\nexit 5\n")
    assert done.code == 5
    assert "42" in done.out


# --- attach


def test_attach_reaches_the_running_process(kubectl: Program, pods: str) -> None:
    with kubectl.start("attach", "-i", "-n", pods, "echo") as process:
        try:
            assert process.stdin is not None
            word = os.urandom(4).hex().encode()
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            heard = b""
            while b"got " + word not in heard:
                heard = _line(process)
        finally:
            process.terminate()
            process.communicate(timeout=10)


def test_run_attaches_passes_input_and_cleans_up(kubectl: Program, pods: str) -> None:
    name = f"run-{os.urandom(3).hex()}"
    flags = ("--rm", "--restart=Never", "--quiet", "--image-pull-policy=IfNotPresent")
    image = f"--image={manifests.BUSYBOX}"
    command = ("run", name, "-i", "-n", pods, *flags, image, "--", "cat")
    assert "through and through" in kubectl(*command, stdin=b"through and through\n").out
    assert kubectl("get", "pod", "-n", pods, name, check=False).code != 0


# --- port-forward


def test_port_forward_carries_requests(kubectl: Program, pods: str) -> None:
    with PortForward(kubectl, pods, "pod/web", 8080) as forward:
        for _ in range(5):
            assert _get(forward.port, "/hostname") == b"web"
        big = _get(forward.port, "/echo?msg=" + "x" * 3000)
        assert big == b"x" * 3000


def test_port_forward_to_a_service(virt: Virtual, pods: str) -> None:
    virt.api.patch("Pod", "web", pods, {"metadata": {"labels": {"app": "web"}}})
    virt.api.create(manifests.service("web", pods))
    with PortForward(virt.kubectl, pods, "service/web", 80) as forward:
        assert _get(forward.port, "/hostname") == b"web"


def test_port_forward_to_a_closed_port_says_so(kubectl: Program, pods: str) -> None:
    with kubectl.start("port-forward", "-n", pods, "pod/web", ":9") as process:
        try:
            first = _line(process)
            port = int(first.split(b":")[1].split()[0])
            with pytest.raises(OSError, match=r".*"):
                _get(port, "/")
            said = _line(process)
            while said.startswith((b"Forwarding", b"Handling")):
                said = _line(process)
            assert b"refused" in said or b"lost connection" in said, said
        finally:
            process.terminate()
            process.communicate(timeout=10)


# --- cp


def test_cp_there_and_back(kubectl: Program, pods: str, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "out").write_bytes(data)
    kubectl("cp", "-n", pods, str(tmp_path / "out"), "ticker:/tmp/file")
    kubectl("cp", "-n", pods, "ticker:/tmp/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data


# --- together


def test_many_at_once_do_not_mix(virt: Virtual, pods: str) -> None:
    """As many as a person's tools open together."""
    words = [f"word-{n}" for n in range(12)]
    processes = [
        virt.kubectl.start("exec", "-n", pods, "ticker", "--", "echo", word) for word in words
    ]
    done = [Done(p.wait(60), (p.communicate()[0] or b"").decode(), "") for p in processes]
    assert [each.out.strip() for each in done] == words


# --- who may ask


@pytest.mark.parametrize("name", ["kube-apiserver", "system:apiserver"])
def test_certificate_of_the_api_servers_name_that_a_tenant_had_signed_opens_nothing(
    release: Release, virt: Virtual, pods: str, name: str
) -> None:
    """The API server's own key is trusted, and no name; k3s has had both of these for it."""
    node = virt.api.get("Pod", "ticker", pods)["spec"]["nodeName"]
    endpoints = virt.api.get("Node", node)["status"]["daemonEndpoints"]
    port = endpoints["kubeletEndpoint"]["Port"]
    kubelet = Kubelet(release.host.kubectl, release.namespace, release.pod, port)
    pair = signed(virt.api, f"streams-{name.replace(':', '-')}", name)
    for path in ("/healthz", f"/containerLogs/{pods}/ticker/main?tailLines=1"):
        assert kubelet.ask(path).status == 200
        answer = kubelet.ask(path, pair=pair)
        # Up to 1.18 another authority signs these: the handshake is refused.
        refused = answer.status == 403 and "not the API server's" in answer.body
        assert refused or (answer.status == 599 and "SSL" in answer.body), answer


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"ended with {process.wait(10)}"
    return line


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        data: bytes = answer.read()
    return data
