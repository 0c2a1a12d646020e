"""The run's own network and files: nothing of it is the machine's, and all ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.chart import KUBELET_NAME

MARK = "VC_FAULTS_RESULTS"
"""Names the file to which a run on a stage writes what came of it."""
ADDRESSES = ("10.254.0.1/32", "10.254.0.2/32")


def inside() -> bool:
    """Tell whether this process is on the stage."""
    return MARK in os.environ


def command(*args: str) -> list[str]:
    """Return the command that runs this program on a stage: with it all of its processes end."""
    spaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    return ["unshare", *spaces, sys.executable, "-m", "tests.faults", *args]


def tell(text: str) -> None:
    """Write what came of the run."""
    Path(os.environ[MARK]).write_text(text)


def furnish() -> None:
    """Make addresses, the directory of service accounts, and the name of the kubelet."""
    _run("ip", "link", "set", "lo", "up")
    for each in ADDRESSES:
        _run("ip", "address", "add", each, "dev", "lo")
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")  # /var/run leads there
    hosts = Path("/run/hosts")
    hosts.write_text(f"127.0.0.1 localhost {KUBELET_NAME}\n")
    _run("mount", "--bind", str(hosts), "/etc/hosts")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
