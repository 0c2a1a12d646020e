"""The images of the suite, under names that no registry knows, and the list that names them."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from lab import gobuild, images, packages
from lab.buildah import Image, Recipe, build, place
from lab.cache import Cache, file_digest, tree_digest
from lab.progress import Task
from lab.run import output, run
from lab.versions import DEFAULT_KUBERNETES
from tests.conformance import debian, programs

PREFIX = "localhost/e2e"
PAUSE = f"{PREFIX}/pause:3.10.1"
# Specs about pulling want a registry that says no. It must fail at once, as any outside name does
# in a lab, so these keep upstream's names.
_KEPT = ("gcAuthenticatedRegistry", "invalidRegistry", "privateRegistry")
_REGISTRIES = (
    *("buildImageRegistry", "cloudProviderGcpRegistry", "dockerLibraryRegistry"),
    *("gcEtcdRegistry", "gcRegistry", "promoterE2eRegistry", "sigStorageRegistry"),
)
_BASH = Path("/bin/bash-static")
_FILES = Path(__file__).with_name("images")
_DEBIAN = debian.recipe(_FILES / "debian" / "Dockerfile")


def repo_list() -> str:
    """Return what KUBE_TEST_REPO_LIST is to name: registry → our prefix."""
    return yaml.safe_dump(dict.fromkeys(_REGISTRIES, PREFIX))


def recipes(cache: Cache) -> list[Recipe]:
    """Return the images that `[Conformance]` specs use, in the versions that 1.34 names."""
    packages.ensure(cache.progress, {str(_BASH): "bash-static"})
    agnhost = _agnhost(cache)
    busybox = _busybox()
    pause = images.pause(DEFAULT_KUBERNETES)
    return [
        agnhost,
        busybox,
        _plain("jessie-dnsutils:1.7", _DEBIAN),
        _plain("pause:3.10.1", pause),
        _web("httpd:2.4.38-4"),
        _web("httpd:2.4.39-4"),
        _web("nginx:1.14-4"),
        _web("nginx:1.15-4"),
        _nautilus(agnhost),
        Recipe(_tag("nonroot:1.4"), _dockerfile("nonroot"), (), _nothing, base=busybox),
        _program(cache, "nonewprivs:1.3", "nonewprivs", base=busybox, mode=0o6755),
        _program(cache, "sample-apiserver:1.29.2", "sample-apiserver", base=busybox),
        _program(cache, "etcd:3.6.4-0", "server", base=busybox),
    ]


def built(cache: Cache) -> list[Image]:
    """Return the built images."""
    return [build(cache, recipe) for recipe in recipes(cache)]


def _busybox() -> Recipe:
    """Return busybox with a shell that passes on every variable: specs look for `data-1`."""
    source = _FILES / "busybox" / "sh.c"

    def fill(context: Path, _task: Task) -> None:
        images.place_copy(_BASH, context / "bash")
        run(["gcc", "-Os", "-Wall", "-static", "-s", "-o", context / "sh", source])

    inputs = (output([_BASH, "--version"]), file_digest(source))
    tag = _tag("busybox:1.37.0-1")
    return Recipe(tag, _dockerfile("busybox"), inputs, fill, base=images.busybox())


def _agnhost(cache: Cache) -> Recipe:
    kubernetes = gobuild.kubernetes(DEFAULT_KUBERNETES)

    def fill(context: Path, _task: Task) -> None:
        root = context / "rootfs"
        place(gobuild.build(cache, kubernetes) / "agnhost", root / "agnhost")
        # Specs run the second name to see that a pod's own command wins.
        (root / "agnhost-2").symlink_to("agnhost")
        porter = programs.sources() / "test/images/agnhost/porter"
        for file in ("localhost.crt", "localhost.key"):
            shutil.copyfile(porter / file, root / file)
        (root / "uploads").mkdir()

    tag = _tag("agnhost:2.56")
    return Recipe(tag, _dockerfile("agnhost"), (kubernetes.key(),), fill, base=_DEBIAN)


def _nautilus(agnhost: Recipe) -> Recipe:
    def fill(context: Path, _task: Task) -> None:
        html = programs.sources() / "test/images/nautilus/html"
        shutil.copytree(html, context / "html", copy_function=shutil.copyfile)

    inputs = (programs.TOOLS.version,)
    return Recipe(_tag("nautilus:1.7"), _dockerfile("nautilus"), inputs, fill, base=agnhost)


def _web(tag: str) -> Recipe:
    """Return a web server: Debian has one version, so two tags differ in what they say of it."""
    name, _, version = tag.partition(":")
    source = _FILES / name

    def fill(context: Path, _task: Task) -> None:
        for file in tree_digest(source):
            shutil.copyfile(source / file, context / file)

    args = {"VERSION": version}
    inputs = (tree_digest(source),)
    return Recipe(_tag(tag), _dockerfile(name), inputs, fill, base=_DEBIAN, args=args)


def _plain(tag: str, base: Recipe) -> Recipe:
    """Return an image under a name of the suite's."""
    return Recipe(_tag(tag), _dockerfile("plain"), (), _nothing, base=base)


def _program(cache: Cache, tag: str, file: str, base: Recipe, mode: int = 0o755) -> Recipe:
    def fill(context: Path, _task: Task) -> None:
        images.place_copy(programs.tools(cache) / file, context / file)
        (context / file).chmod(mode)

    name = tag.partition(":")[0]
    return Recipe(_tag(tag), _dockerfile(name), (programs.TOOLS.key(), mode), fill, base=base)


def _dockerfile(name: str) -> Path:
    return _FILES / name / "Dockerfile"


def _tag(name: str) -> str:
    return f"{PREFIX}/{name}"


def _nothing(_context: Path, _task: Task) -> None:
    """An image that only says something about its base needs no files."""
