"""The usual ways to be wrong, on a real host: one line of cause and cure, and a code of its kind.

Those that are waited for (an image, a quota) are in test_cli.py; all others, which need no real
host, in tests/unit/cli/test_wrong.py.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
import yaml

from tests.e2e.commandline import CommandLine
from tests.e2e.release import Release, Virtual
from tests.e2e.session import Session
from tests.e2e.shell import Done


@pytest.fixture
def cli(session: Session, tmp_path: Path) -> CommandLine:
    """The command line of the host's administrator."""
    return CommandLine(session.host.kubectl.kubeconfig, tmp_path / "cli")


def _one_line(done: Done, code: int, *words: str) -> None:
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.code == code, done.err
    assert len(errors) == 1, done.err
    assert [each for each in words if each not in errors[0]] == [], errors
    assert "Traceback" not in done.err


def test_no_cluster(cli: CommandLine, session: Session) -> None:
    content = yaml.safe_load(cli.host.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for each in content["clusters"]:
        each["cluster"]["server"] = f"https://127.0.0.1:{port}"
    cli.host.write_text(yaml.safe_dump(content))
    done = cli("create", "dev", "-n", session.prefix, check=False)
    _one_line(done, 5, "does not answer", "connection refused", "check that it runs")


def test_no_right(session: Session, release: Release, tmp_path: Path) -> None:
    """Somebody of another namespace, who may nothing here."""
    home = session.namespace("cli-stranger")
    user = session.user(home, "stranger", "admin", home)
    stranger = CommandLine(user.kubeconfig, tmp_path / "stranger")
    where = ("-n", release.namespace)
    words = ("you are not allowed to", f"in namespace {release.namespace}", "ClusterRole admin")
    _one_line(stranger("list", *where, check=False), 4, *words)
    _one_line(stranger.create("dev", release.namespace, check=False), 4, *words)


def test_wrong_name(cli: CommandLine, release: Release) -> None:
    done = cli("connect", release.name[:-1], "-n", release.namespace, check=False)
    _one_line(done, 3, "no virtual cluster", f"did you mean {release.name!r}?")


def test_port_taken(cli: CommandLine, release: Release) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cli("connect", release.name, "-n", release.namespace, "--port", port, check=False)
    _one_line(done, 1, f"port {port} of this machine cannot be used", "--port")
    assert cli.processes() == []


def test_old_kubectl(cli: CommandLine, release: Release, virt: Virtual, tmp_path: Path) -> None:
    """It says that it is old, and otherwise is the one that there is: a warning, no error."""
    kubectl = tmp_path / "kubectl"
    said = '{"clientVersion": {"gitVersion": "v1.12.0"}}'
    real = shutil.which("kubectl")
    kubectl.write_text(f"#!/bin/sh\n[ $1 != version ] || exec echo '{said}'\nexec {real} \"$@\"\n")
    kubectl.chmod(0o755)
    where = (release.name, "-n", release.namespace)
    done = cli("connect", *where, "--", str(kubectl), "get", "namespaces", "-o", "name")
    minor = virt.api.json("GET", "/version")["gitVersion"].split(".")[1]
    assert f"this kubectl (1.12) is too old for Kubernetes 1.{minor}" in done.err
    assert "namespace/kube-system" in done.out


@pytest.mark.usefixtures("no_default_class")
def test_no_default_storage_class(cli: CommandLine, session: Session) -> None:
    bare = session.namespace("cli-bare")
    session.release("dev", bare)
    done = cli.create("dev", bare, check=False)
    # Where the check before an installation cannot be made, the claim is waited for.
    _one_line(done, done.code, "the host has no default StorageClass", "storage.className")
    assert done.code in (1, 6)
