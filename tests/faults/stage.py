"""The run's own network and files: nothing of it is the machine's, and all ends with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.chart import KUBELET_NAME

MARK = "VC_FAULTS_RESULTS"
"""Names the file to which a run on a stage writes what came of it."""
ADDRESSES, WAY_OUT = ("10.254.0.1/24", "10.254.0.2/24"), "10.254.0.254"


def inside() -> bool:
    """Tell whether this process is on the stage."""
    return MARK in os.environ


def command(*args: str) -> list[str]:
    """Return the command that runs this program on a stage: with it all of its processes end."""
    spaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    return ["unshare", *spaces, sys.executable, "-m", "tests.faults", *args]


@contextlib.contextmanager
def playing(file: Path, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run this program on a stage of its own, which ends with the block at the latest.

    What it leaves behind when it has to be killed lies beside its file, and goes with that.
    """
    environment = {**os.environ, MARK: str(file), "TMPDIR": str(file.parent)}
    with subprocess.Popen(command(*args), env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(text: str) -> None:
    """Write what came of the run so far."""
    Path(os.environ[MARK]).write_text(text)


def furnish() -> None:
    """Make addresses, the directory of service accounts, and the name of the kubelet."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far")
    for each in ADDRESSES:
        _run("ip", "address", "add", each, "dev", "eth0")
    for link in ("far", "eth0"):
        _run("ip", "link", "set", link, "up")
    # Without a default route k3s does not start; nobody is where this one leads.
    _run("ip", "route", "add", "default", "via", WAY_OUT)
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")  # /var/run leads there
    _run("mkdir", "--parents", "/etc/rancher")
    _run("mount", "-t", "tmpfs", "tmpfs", "/etc/rancher")  # where real k3s writes
    hosts = Path("/run/hosts")
    hosts.write_text(f"127.0.0.1 localhost {KUBELET_NAME}\n")
    _run("mount", "--bind", str(hosts), "/etc/hosts")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
