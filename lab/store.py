"""A container runtime's store with the images already unpacked, made once and then linked.

Importing half a gigabyte takes a node many seconds of hashing and writing; linking the result
takes none, and removing the links again frees no blocks. It is safe: layers are only ever read
(a container that changes a file gets a copy from overlayfs), blobs are never written twice.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.api import wait
from lab.buildah import Image
from lab.cache import Cache, digest
from lab.errors import LabError
from lab.node import NodeImages
from lab.progress import Task
from lab.run import output, run

_DATABASES = ("io.containerd.metadata.v1.bolt", "io.containerd.snapshotter.v1.overlayfs")


def build(cache: Cache, images: Sequence[Image], inputs: Sequence[object]) -> Path:
    """Return a store with these images, or with older ones that were made of the same inputs.

    `inputs` are what is large and seldom changes: from such a store to the newest images it is
    one small import, from none at all it is a long one.
    """

    def builder(target: Path, task: Task) -> None:
        with _containerd(target) as store:
            for image in images:
                task.note(image.tag)
                store.load(image)

    key = digest(list(inputs), [image.tag for image in images], output(["containerd", "--version"]))
    return cache.entry("store", key, "unpacking images", builder)


def clone(store: Path, node: Path) -> None:
    """Give a node that never had a container runtime a store of its own."""
    root = node / "containerd" / "root"
    if root.exists():
        return
    half = node / "containerd" / "half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    source = f"{store}/containerd/root/."
    try:
        run(["cp", "--archive", "--link", source, half])
    except LabError:  # another file system: copies cost space, but no hashing
        run(["cp", "--archive", "--reflink=auto", source, half])
    for directory in _DATABASES:
        for database in (half / directory).glob("*.db"):
            copy = database.with_suffix(".copy")
            shutil.copy2(database, copy)
            copy.rename(database)
    shutil.copy2(store / "images.json", node / "images.json")
    half.rename(root)


@contextlib.contextmanager
def _containerd(directory: Path) -> Iterator[NodeImages]:
    """Run a containerd without anything but its store while the block runs."""
    # Sockets have short paths, and the cache may be anywhere.
    with tempfile.TemporaryDirectory(prefix="vclab-") as short:
        config = Path(short) / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{directory}/containerd/root"\nstate = "{short}/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{short}/containerd.sock"\n'
        )
        # It ends with us, even if we are killed.
        command = ["setpriv", "--pdeathsig", "KILL", "containerd", "--config", str(config)]
        with Path(short, "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        store = NodeImages(directory, socket=Path(short) / "containerd.sock")

        def alive() -> None:
            if process.poll() is not None:
                raise LabError(f"containerd: {Path(short, 'log').read_text()[-1000:]}")

        try:
            wait("containerd", 30, store.answers, alive)
            yield store
        finally:
            process.terminate()
            process.wait()
            with contextlib.suppress(FileNotFoundError):
                # Every containerd has an identity of its own.
                identity = "containerd/root/io.containerd.grpc.v1.introspection/uuid"
                (directory / identity).unlink()
