"""The images of a lab: what each is made of, and under which name pods find it."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from lab import debootstrap, gobuild
from lab.buildah import Recipe, place
from lab.cache import Cache, digest, file_digest, tree_digest
from lab.configs import PAUSE
from lab.paths import LAB_SOURCE, REPO
from lab.progress import Task
from lab.run import output, run
from lab.versions import COREDNS_TAGS, DEFAULT_KUBERNETES, LOCAL_PATH

BUSYBOX_TAG = "busybox:1.36"
AGNHOST_TAG = "agnhost:2.53"
LOCAL_PATH_TAG = f"local-path-provisioner:{LOCAL_PATH}"
SYNCER_TAG = "virtualcluster/syncer:0.1.0"

_IMAGES = LAB_SOURCE / "images"
BUSYBOX = Path("/bin/busybox")
_PACKAGES = "python3,ca-certificates"
_PYTHON = "3.11"
_PIP_LOCK = _IMAGES / "python" / "pip.lock"


def pause(minor: str) -> Recipe:
    """Return the image that holds a pod's namespaces."""
    program = gobuild.kubernetes(minor)

    def fill(context: Path, task: Task) -> None:
        task.note("compiling pause.c")
        module = program.module_source("k8s.io/kubernetes")
        source = module / "build" / "pause" / "linux" / "pause.c"
        flags = ["-Os", "-Wall", "-static", "-s", "-DVERSION=v3.10-lab"]
        run(["gcc", *flags, "-o", context / "pause", source])

    return Recipe(PAUSE, _IMAGES / "pause" / "Dockerfile", (program.version,), fill)


def busybox() -> Recipe:
    """Return a shell with the usual commands."""

    def fill(context: Path, _task: Task) -> None:
        root = context / "rootfs"
        place(BUSYBOX, root / "bin" / "busybox")
        for applet in output([BUSYBOX, "--list"]).split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        for directory in ("root", "tmp", "etc", "var", "usr", "home"):
            (root / directory).mkdir()
        (root / "tmp").chmod(0o1777)
        (root / "etc" / "passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
        )
        (root / "etc" / "group").write_text("root:x:0:\nnobody:x:65534:\n")

    return Recipe(BUSYBOX_TAG, _IMAGES / "busybox" / "Dockerfile", (file_digest(BUSYBOX),), fill)


def agnhost(cache: Cache, minor: str) -> Recipe:
    """Return Kubernetes' own test image."""
    return _of_program(cache, AGNHOST_TAG, "agnhost", gobuild.kubernetes(minor), base=busybox())


def coredns(cache: Cache, minor: str) -> Recipe:
    """Return the CoreDNS that can read the API of a minor."""
    tag, program = COREDNS_TAGS[minor], gobuild.coredns(minor)
    return _of_program(cache, tag, "coredns", program, after=_may_bind_low_ports)


def local_path(cache: Cache) -> Recipe:
    """Return the provisioner of the default StorageClass."""
    return _of_program(cache, LOCAL_PATH_TAG, "local-path-provisioner", gobuild.LOCAL_PATH)


def python() -> Recipe:
    """Return Debian with its Python, the base of the syncer's image."""

    def fill(context: Path, task: Task) -> None:
        debootstrap.pack(debootstrap.make(context, _PACKAGES, task), context, task)

    key = (debootstrap.SUITE, _PACKAGES, debootstrap.USELESS)
    return Recipe("localhost/python:3.11", _IMAGES / "python" / "Dockerfile", key, fill)


def syncer(cache: Cache) -> Recipe:
    """Return the product's own image, of the working tree as it is."""
    source = REPO / "syncer"
    patterns = ("**/*.py", "requirements.lock", "py.typed")

    def fill(context: Path, task: Task) -> None:
        for file in tree_digest(source, *patterns):
            place_copy(source / file, context / "syncer" / file)
        task.note("waiting for the wheels")
        shutil.copytree(wheels(cache), context / "wheels", copy_function=_link)

    inputs = (tree_digest(source, *patterns), _wheels_key())
    return Recipe(SYNCER_TAG, source / "Dockerfile", inputs, fill, base=python())


def syncer_base_key() -> str:
    """Return the key of the syncer's image without its source."""
    return digest(python().key(), _wheels_key())


def wheels(cache: Cache) -> Path:
    """Return a directory with the wheels that the syncer's lock file names, and pip itself."""
    lock = REPO / "syncer" / "requirements.lock"

    def builder(target: Path, task: Task) -> None:
        # For the image's Python, whatever Python this one is.
        platforms = ("manylinux2014", *(f"manylinux_2_{n}" for n in (17, 24, 26, 27, 28, 31, 34)))
        wanted = ["--only-binary=:all:", "--python-version", _PYTHON, "--implementation", "cp"]
        for platform in platforms:
            wanted += ["--platform", f"{platform}_{os.uname().machine}"]
        pip = ["python3", "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
        pip += [*wanted, "--require-hashes", "--dest", str(target)]
        run([*pip, "-r", lock, "-r", _PIP_LOCK], on_line=task.note)

    return cache.entry("wheels", _wheels_key(), "fetching the syncer's dependencies", builder)


def _wheels_key() -> str:
    locks = (REPO / "syncer" / "requirements.lock", _PIP_LOCK)
    return digest([file_digest(lock) for lock in locks], _PYTHON)


def _of_program(
    cache: Cache,
    tag: str,
    file: str,
    program: gobuild.Program,
    base: Recipe | None = None,
    after: Callable[[Path], None] | None = None,
) -> Recipe:
    """Return the image of one program, built from the Dockerfile of its name."""

    def fill(context: Path, _task: Task) -> None:
        place_copy(gobuild.build(cache, program) / file, context / file)
        if after is not None:
            after(context / file)

    return Recipe(tag, _IMAGES / file / "Dockerfile", (program.key(),), fill, base=base)


def static(cache: Cache, tag: str, program: gobuild.Program, file: str) -> Recipe:
    """Return an image that holds one static program and nothing else, not run as root."""

    def fill(context: Path, _task: Task) -> None:
        place_copy(gobuild.build(cache, program) / file, context / "program")

    return Recipe(tag, _IMAGES / "static" / "Dockerfile", (program.key(), file), fill)


def _may_bind_low_ports(path: Path) -> None:
    """Do what `setcap cap_net_bind_service=+ep` does: a revision 2 capability, effective."""
    os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))


def _link(source: str, target: str) -> None:
    place(Path(source), Path(target))


def place_copy(source: Path, target: Path) -> None:
    """Put a copy of a file into a context."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def of_host(cache: Cache, minor: str) -> Iterable[Recipe]:
    """Return what a host cluster itself needs, in the order of need."""
    return (pause(DEFAULT_KUBERNETES), busybox(), coredns(cache, minor), local_path(cache))
