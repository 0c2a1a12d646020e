"""One Debian with what the suite's images of upstream bring besides their own programs.

One and not five: its layer is in every node once, and unpacked once.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from tests.lab.buildah import Recipe
from tests.lab.progress import Task
from tests.lab.run import run

SUITE = "bookworm"
_PACKAGES = (
    *("bash", "curl", "wget", "bind9-dnsutils", "netcat-openbsd", "iproute2", "iperf", "procps"),
    *("apache2", "nginx-light"),
)
_USELESS = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/log"),
    *("var/cache/apt", "var/lib/apt/lists", "var/cache/debconf", "dev", "proc", "sys"),
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
        root = context.parent / "rootfs"
        flags = ["--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        run(["debootstrap", *flags, SUITE, root], on_line=task.note)
        for path in _USELESS:
            shutil.rmtree(root / path, ignore_errors=True)
            (root / path).mkdir(parents=True)
        for directory in ("apache2", "nginx"):
            (root / "var/log" / directory).mkdir()
        for name, lines in _USERS.items():
            with (root / "etc" / name).open("a") as file:
                file.write(lines)
        task.note("packing")
        with tarfile.open(context / "rootfs.tar", "w") as tar:
            tar.add(root, ".")
        shutil.rmtree(root)

    inputs = (SUITE, _PACKAGES, _USELESS, _USERS)
    return Recipe("localhost/conformance-debian:12", dockerfile, inputs, fill)
