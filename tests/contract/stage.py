"""The network and the files of one scenario: nothing of them is the machine's.

    unshare --net --mount python -m tests.contract.observe …

Inside, every server is a process in process, host name and mount namespaces of its own, at whose
root is the image, as in a pod; the network it shares with whoever looks at it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

ADDRESS = "198.18.0.2"
HOSTNAME = "contract-0"
_DATA = "/data"

# Everything here ends with the namespaces. $1: the image's files; $2: a directory for this start;
# $3: the data directory, which is there before and after.
_ENTER = """
hostname "$HOST"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
root=$2/root data=$3
shift 3
mkdir -p "$root/proc" "$root/dev" "$root/sys" "$root/tmp" "$root/run" "$root/etc" "$root/data"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
mount --bind "$data" "$root/data"
printf '127.0.0.1 localhost\\n%s %s\\n' "$ADDRESS" "$HOST" > "$root/etc/hosts"
# As in a pod, no loopback: k3s would write its agent another one. Nobody answers there.
printf 'nameserver %s\\n' "$ADDRESS" > "$root/etc/resolv.conf"
exec chroot "$root" "$@"
"""
_SPACES = ("--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child")


def furnish(scratch: Path, *, route: bool) -> None:
    """Make the network of a pod: loopback, an address, with a default route unless told."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    _ip("address", "add", f"{ADDRESS}/24", "dev", "eth0")
    _ip("link", "set", "far", "up")
    _ip("link", "set", "eth0", "up")
    if route:
        _ip("route", "add", "default", "via", "198.18.0.1")
    # An overlay cannot lie on an overlay, which the machine's own files may be.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(scratch)], check=True)


def clear(scratch: Path) -> None:
    """Let go of the directory, whoever may still have a file open there."""
    subprocess.run(["umount", "--lazy", str(scratch)], check=True)


def command(image: Path, start: Path, data: Path, *argv: str) -> list[str]:
    """Return the command that runs a program of the image as a container's first process."""
    places = [str(image / "root"), str(start), str(data)]
    return ["unshare", *_SPACES, "sh", "-e", "-c", _ENTER, "enter", *places, *argv]


def environment(variables: list[str]) -> dict[str, str]:
    """Return an environment with an image's variables, and what the stage itself needs."""
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    image = dict(each.partition("=")[::2] for each in variables)
    path = f"{image.pop('PATH', '')}:{usual}"
    return {**image, "PATH": path, "HOST": HOSTNAME, "ADDRESS": ADDRESS, "HOME": "/root"}


def _ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True)
