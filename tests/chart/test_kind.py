"""What scripts/up gives to kind, given to the real kind; only Docker is a stub.

Without an engine no cluster comes of it, but kind reads its config strictly, looks for the node
image and says which containers it would run.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab import gobuild
from lab.cache import Cache
from lab.kind.cluster import config, nodes
from lab.progress import Progress

# What an engine says of itself, as far as kind asks; it runs nothing. kind asks for all containers
# at once and gives up at the first refusal: nobody is refused before all have been asked for.
DOCKER = """#!/bin/sh
case "$1 $2" in
"info "*) echo '{"CgroupVersion": "2", "MemoryLimit": true, "PidsLimit": true}' ;;
"network ls") echo '["bridge"]' ;;
"run "*)
  echo "docker $*" >> "$CALLS"
  for _ in $(seq 600); do
    [ "$(wc -l < "$CALLS")" -lt NODES ] || exit 1
    sleep 0.05
  done
  exit 1
  ;;
esac
"""
CONFIG = config(nodes()["1.34"].image)
NODES = CONFIG.count("role: ")


@pytest.fixture(scope="module")
def kind() -> Path:
    return gobuild.build(Cache(Progress()), gobuild.KIND) / "kind"


def create(kind: Path, text: str, scratch: Path) -> tuple[str, list[str]]:
    """Return what kind said and the containers that it asked for."""
    (scratch / "docker").write_text(DOCKER.replace("NODES", str(NODES)))
    (scratch / "docker").chmod(0o755)
    (scratch / "config.yaml").write_text(text)
    path = f"{scratch}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "CALLS": str(scratch / "calls"), "HOME": str(scratch)}
    command = [str(kind), "create", "cluster", "--name=t", "--config", str(scratch / "config.yaml")]
    command += ["--kubeconfig", str(scratch / "kubeconfig")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=60)
    assert done.returncode != 0
    calls = scratch / "calls"
    return done.stderr, calls.read_text().splitlines() if calls.exists() else []


def test_kind_runs_a_container_for_each_node_of_the_config(kind: Path, tmp_path: Path) -> None:
    said, calls = create(kind, CONFIG, tmp_path)
    assert "unable to decode config" not in said
    image = nodes()["1.34"].image
    for name in ("t-control-plane", "t-worker"):
        (call,) = [call for call in calls if f"--name {name} " in call]
        assert call.endswith(image)


def test_kind_refuses_a_config_with_a_field_that_it_does_not_know(
    kind: Path, tmp_path: Path
) -> None:
    said, calls = create(kind, CONFIG.replace("role: worker", "roel: worker"), tmp_path)
    assert "field roel not found" in said
    assert calls == []
