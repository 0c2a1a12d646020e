"""Removes a lab completely, in whatever state: half up, half dead, from before a restart."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from lab.cgroups import hierarchies
from lab.errors import LabError
from lab.lab import Lab
from lab.machine import restore_limits
from lab.mounts import POD_LOGS
from lab.network import NETNS
from lab.paths import ENGINE
from lab.registry import names

# Where programs write whose directories cannot be configured, keyed by names that are the lab's.
_CNI_CACHE = Path("/var/lib/cni")
_LOG_LINKS = Path("/var/log/containers")
_SHIM_SOCKETS = Path("/run/containerd/s")
SHIMS = "io.containerd.runtime.v2.task"
"""Where containerd's state has a directory for each container."""
_KUBELET = Path("/var/lib/kubelet")


def down(lab: Lab) -> None:
    """End the lab's processes, then remove its mounts, network, cgroups and files."""
    with lab.progress.task(f"taking down lab {lab.registration.name}", quiet=True) as task:
        task.note("processes")
        sockets = _shim_sockets(lab.state)
        lab.cgroups.kill()  # at once: nothing that they would save is kept
        task.note("mounts")
        _unmount_below(lab.state)
        lab.network.down()
        lab.cgroups.remove()
        task.note("files")
        for path in (*sockets, *dead_sockets()):
            path.unlink(missing_ok=True)
        _remove_cni_cache(lab.registration.name)
        _remove_log_links(lab.state)
        shutil.rmtree(lab.state)
        if not names(lab.registration.root):
            _remove_shared()
            if not (lab.registration.root / ENGINE).exists():  # its nodes need them as well
                restore_limits(lab.registration.root)
        if left := _left_behind(lab):
            raise LabError(f"not everything of the lab could be removed: {', '.join(left)}")


def _mounts_below(directory: Path) -> list[str]:
    """Return the mount points below a directory, the deepest and latest first."""
    prefix = f"{directory}/"
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point.startswith(prefix):
            found.append(point)
    return found[::-1]


def _unmount_below(directory: Path) -> None:
    for _ in range(3):  # what is mounted twice shows again
        points = _mounts_below(directory)
        if not points:
            return
        for point in points:
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
    if points := _mounts_below(directory):
        # Never remove files below a mount: they would not be ours.
        raise LabError(f"still mounted: {points}")


def _shim_sockets(state: Path) -> list[Path]:
    """Return the sockets of containers' shims; only the containers' directories name them."""
    return shim_sockets(state.glob(f"node-*/containerd/state/{SHIMS}/k8s.io/*/address"))


def shim_sockets(files: Iterable[Path]) -> list[Path]:
    """Return the sockets that such files name."""
    found = []
    for file in files:
        with contextlib.suppress(OSError):
            found.append(Path(file.read_text().strip().removeprefix("unix://")))
    return found


def dead_sockets() -> list[Path]:
    """Return old sockets of shims that were killed: nobody listens there and nobody ever will."""
    found = []
    for path in _SHIM_SOCKETS.glob("*"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            # A shim that is just starting may be between binding and listening.
            if time.time() - path.stat().st_mtime > 60:
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    found.append(path)
    return found


def _remove_cni_cache(name: str) -> None:
    for file in _CNI_CACHE.glob(f"*/vclab-{name}-node-*-eth0"):
        sandbox = file.name.rsplit("-", 2)[1]
        file.with_name(f"cni-loopback-{sandbox}-lo").unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def _remove_log_links(state: Path) -> None:
    if not _LOG_LINKS.is_dir():
        return
    for link in _LOG_LINKS.iterdir():
        if link.is_symlink() and link.readlink().is_relative_to(state):
            link.unlink()


def _remove_shared() -> None:
    """Remove what the kubelet makes in fixed places, if nothing of anybody else is there."""
    plugins = _KUBELET / "device-plugins"
    for file in ("kubelet.sock", "kubelet_internal_checkpoint", "DEPRECATION"):
        (plugins / file).unlink(missing_ok=True)
    for directory in (plugins, _KUBELET, _LOG_LINKS, POD_LOGS):
        with contextlib.suppress(OSError):
            directory.rmdir()


def _left_behind(lab: Lab) -> list[str]:
    """Return what of a lab is still on the machine."""
    found = [f"process {pid}" for pid in lab.cgroups.processes()]
    paths = [lab.state, *(h / lab.cgroups.top for h in hierarchies()), NETNS / lab.network.switch]
    paths += [lab.network.path(number) for number in lab.numbers]
    return found + [str(path) for path in paths if path.exists()]
