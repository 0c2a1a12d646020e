"""kubectl goes with API servers one minor version older or newer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from virtualcluster_cli.skew import message


@pytest.mark.parametrize(
    ("kubectl", "server", "words"),
    [
        ("v1.34.1", "1.34.4", ""),
        ("v1.33.0", "1.34.4", ""),
        ("v1.35.0", "v1.34.4", ""),
        ("v1.32.9", "1.34.4", "too old"),
        ("v1.34.1", "1.16.15", "too new"),
        ("", "1.34.4", ""),
        ("v1.20.0", "", ""),
    ],
)
def test_which_go_together(kubectl: str, server: str, words: str) -> None:
    said = message(kubectl, server)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.usefixtures("dev")
def test_a_kubectl_that_is_too_old_is_said_and_run_all_the_same(cli: Run, tmp_path: Path) -> None:
    version = '{"clientVersion": {"gitVersion": "v1.20.0"}}'
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\n[ $1 = version ] && echo '{version}' || exit 7\n")
    kubectl.chmod(0o755)
    done = cli("connect", "dev", "--", str(kubectl), "get", "pods")
    assert done.exit_code == 7
    assert "this kubectl (1.20) is too old for Kubernetes 1.34" in done.stderr
    assert "install one of 1.33 to 1.35" in done.stderr
