"""`connect` and `disconnect`: a context, a process behind it, and nothing left afterwards."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.conftest import Run
from tests.unit.cli.fakes import Pki
from virtualcluster_cli import connections
from virtualcluster_cli.connections import Connection

pytestmark = pytest.mark.usefixtures("dev")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test looks where the command line writes."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_context_is_added_and_made_current(cli: Run, config: Path, pki: Pki) -> None:
    done = cli("connect", "dev")
    assert done.exit_code == 0, done.output
    content = read(config)
    assert content["current-context"] == "dev_team-x"
    assert [each["name"] for each in content["contexts"]] == ["host", "dev_team-x"]
    assert version_through(content, pki) == "v1.34.4"
    (connection,) = connections.all_of()
    assert connection.alive
    cli("disconnect", "dev")
    assert not connection.alive


def test_disconnect_leaves_the_kubeconfig_as_it_was(cli: Run, config: Path) -> None:
    before = read(config)
    cli("connect", "dev")
    done = cli("disconnect")  # of the current context
    assert done.exit_code == 0, done.output
    assert read(config) == before
    assert connections.all_of() == []


def test_two_connects_share_one_process(cli: Run, config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert cli("connect", "dev").exit_code == 0
    (first,) = connections.all_of()
    done = cli("connect", "dev", "--context", "host", "--kubeconfig-out", str(other))
    assert done.exit_code == 0, done.output
    (second,) = connections.all_of()
    assert (first.pid, first.port) == (second.pid, second.port)
    cli("disconnect", "dev", "-n", "team-x")
    assert read(other)["contexts"] == []
    assert read(config)["current-context"] == "host"
    assert not second.alive


def test_two_connects_at_the_same_moment(cli: Run, config: Path, tmp_path: Path) -> None:
    """In processes: they share nothing but the files."""
    command = [sys.executable, "-m", "virtualcluster_cli", "connect", "dev", "--kubeconfig-out"]
    env = {**os.environ, "KUBECONFIG": str(config)}
    processes = [
        subprocess.Popen(
            [*command, str(tmp_path / f"out-{number}")], env=env, stdout=subprocess.DEVNULL
        )
        for number in range(4)
    ]
    assert [each.wait(30.0) for each in processes] == [0] * 4
    (connection,) = connections.all_of()
    assert len(connection.contexts) == 4
    ports = {server(read(tmp_path / f"out-{number}")) for number in range(4)}
    assert ports == {f"https://127.0.0.1:{connection.port}"}
    cli("disconnect", "--all")
    assert not connection.alive


def test_what_a_killed_process_leaves_is_taken_over(cli: Run, config: Path, pki: Pki) -> None:
    cli("connect", "dev")
    (dead,) = connections.all_of()
    os.kill(dead.pid, signal.SIGKILL)
    until_ended(dead)
    assert cli("connect", "dev").exit_code == 0
    (alive,) = connections.all_of()
    assert alive.pid != dead.pid
    assert alive.port == dead.port
    assert version_through(read(config), pki) == "v1.34.4"
    cli("disconnect", "dev")
    assert not alive.alive


def test_the_process_ends_when_nobody_wants_it(cli: Run) -> None:
    cli("connect", "dev")
    (connection,) = connections.all_of()
    connection.file.unlink()
    until_ended(connection)


def test_commands_about_the_host_still_mean_the_host(cli: Run) -> None:
    cli("connect", "dev")
    done = cli("list")
    cli("disconnect", "dev")
    assert "dev" in done.stdout


def test_no_switch(cli: Run, config: Path) -> None:
    cli("connect", "dev", "--no-switch", "--context-name", "mine")
    content = read(config)
    cli("disconnect", "dev")
    assert content["current-context"] == "host"
    assert [each["name"] for each in content["contexts"]] == ["host", "mine"]


@pytest.mark.parametrize("code", [0, 3, 130])
def test_a_command_inside_ends_with_its_own_code(cli: Run, config: Path, code: int) -> None:
    before = config.read_bytes()
    script = f"import os, sys; assert os.environ['KUBECONFIG']; sys.exit({code})"
    done = cli("connect", "dev", "--", sys.executable, "-c", script)
    assert done.exit_code == code
    assert config.read_bytes() == before
    assert connections.all_of() == []


def test_a_command_that_a_signal_ends_says_so_as_a_shell_does(cli: Run) -> None:
    done = cli("connect", "dev", "--", "sh", "-c", "kill -9 $$")
    assert done.exit_code == 137


def test_a_command_reaches_the_inside(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "kubeconfig-seen"
    done = cli("connect", "dev", "--", "sh", "-c", f'cp "$KUBECONFIG" {out}')
    assert done.exit_code == 0
    assert server(read(out)).startswith("https://127.0.0.1:")


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def server(content: dict[str, Any]) -> str:
    name = content["current-context"]
    (found,) = (each for each in content["clusters"] if each["name"] == name)
    return str(found["cluster"]["server"])


def version_through(content: dict[str, Any], pki: Pki) -> str:
    """Ask the API that a kubeconfig leads to, as any client would."""
    context = ssl.create_default_context(cadata=pki.ca.cert_pem.decode())
    with urllib.request.urlopen(f"{server(content)}/version", context=context) as answer:  # noqa: S310
        return str(yaml.safe_load(answer.read())["gitVersion"])


def until_ended(connection: Connection) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if not connection.alive:
            return
        waiting.wait(0.02)
    raise AssertionError("it still runs")
