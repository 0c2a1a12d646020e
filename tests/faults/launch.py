"""How the syncer's containers are started: by the chart's arguments, with a kubelet's variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from lab.paths import REPO
from tests.faults import virt
from tests.faults.chart import RELEASE, Chart
from tests.faults.syncer import Syncer

HOST_PORT = 7443
ENVIRONMENT = {
    "HOST_IP": "10.254.0.1",
    "HOST_NODE_NAME": "node-1",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": str(HOST_PORT),
    "POD_IP": "10.254.0.2",
    "POD_NAME": f"{RELEASE}-0",
}
"""What a kubelet tells the syncer's containers."""


def discover(chart: Chart) -> None:
    """Run the init container to its end."""
    command = [sys.executable, "-m", "syncer", *chart.args["discover"]]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(REPO)}
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=virt.START,
    )
    assert done.returncode == 0, done.stderr


class Places(NamedTuple):
    """Where a syncer's files are."""

    state: Path
    k3s_data: Path
    k3s_kubeconfig: Path


def syncer(chart: Chart, name: str, port: int, at: Places) -> Syncer:
    """Return a syncer that is not started yet."""
    places = {"--k3s-data-dir": at.k3s_data, "--k3s-kubeconfig": at.k3s_kubeconfig}
    args = []
    for arg in chart.args["syncer"]:
        flag = arg.partition("=")[0]
        args.append(f"{flag}={places[flag]}" if flag in places else arg)
    args.append(f"--kubeconfig-out={at.state / name}.kubeconfig")
    return Syncer(name, args, ENVIRONMENT, at.state, port)
