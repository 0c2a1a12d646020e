"""Datastores for virtual clusters of several replicas: PostgreSQL and etcd, both of Debian's."""

from __future__ import annotations

from pathlib import Path

from lab import debootstrap
from lab.buildah import Recipe
from lab.cache import Cache
from lab.paths import LAB_SOURCE
from lab.progress import Task

TAG = "databases:12"
_PACKAGES = "postgresql-15,etcd-server"
# initdb wants to know the name of who runs it, whom no package has made.
_USER = "database:x:1000:1000::/data:/bin/sh\n"


def recipes(_cache: Cache) -> list[Recipe]:
    """Return its image."""

    def fill(context: Path, task: Task) -> None:
        root = debootstrap.make(context, _PACKAGES, task)
        with (root / "etc" / "passwd").open("a") as file:
            file.write(_USER)
        debootstrap.pack(root, context, task)

    dockerfile = LAB_SOURCE / "images" / "databases" / "Dockerfile"
    inputs = (debootstrap.SUITE, _PACKAGES, debootstrap.USELESS, _USER)
    return [Recipe(TAG, dockerfile, inputs, fill)]
