"""One Debian with what the suite's images of upstream bring besides their own programs.

One and not five: its layer is in every node once, and unpacked once.
"""

from __future__ import annotations

from pathlib import Path

from lab import debootstrap
from lab.buildah import Recipe
from lab.progress import Task

_PACKAGES = (
    *("bash", "curl", "wget", "bind9-dnsutils", "netcat-openbsd", "iproute2", "iperf", "procps"),
    *("apache2", "nginx-light"),
)
# A spec checks that a pod's user has the groups which the image gives it.
_USERS = {
    "passwd": "user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n",
    "group": "user-defined-in-image:x:1000:\n"
    "group-defined-in-image:x:50000:user-defined-in-image\n",
}


def recipe(dockerfile: Path) -> Recipe:
    """Return the base of agnhost, of dnsutils and of both web servers."""

    def fill(context: Path, task: Task) -> None:
        root = debootstrap.make(context, ",".join(_PACKAGES), task)
        for directory in ("apache2", "nginx"):
            (root / "var/log" / directory).mkdir()
        for name, lines in _USERS.items():
            with (root / "etc" / name).open("a") as file:
                file.write(lines)
        debootstrap.pack(root, context, task)

    inputs = (debootstrap.SUITE, _PACKAGES, debootstrap.USELESS, _USERS)
    return Recipe("localhost/conformance-debian:12", dockerfile, inputs, fill)
