"""Builds images from ordinary Dockerfiles, without an engine, a registry or privileges to mount."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.cache import Cache, digest, file_digest
from lab.progress import Task
from lab.run import output, run

RUNROOT = Path("/run/virtualcluster-buildah")

Fill = Callable[[Path, Task], None]


@dataclass(frozen=True)
class Recipe:
    """What an image is made of. `fill` puts the build context into an empty directory."""

    tag: str
    dockerfile: Path
    inputs: tuple[object, ...]
    """Keys of everything that `fill` puts there."""
    fill: Fill
    base: Recipe | None = None
    """The image that becomes the build argument BASE."""
    args: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the tag's last part without the version: a name for directories and lines."""
        return self.tag.rpartition("/")[2].partition(":")[0]

    def key(self) -> str:
        """Return the key of everything that decides what comes out."""
        base = self.base.key() if self.base else ""
        args = sorted(self.args.items())
        return digest(self.tag, file_digest(self.dockerfile), base, args, self.inputs)


@dataclass(frozen=True)
class Image:
    """A built image: an archive that any container runtime imports."""

    tag: str
    key: str
    directory: Path

    @property
    def archive(self) -> Path:
        """Return the archive's path."""
        return self.directory / "image.tar"


def build(cache: Cache, recipe: Recipe) -> Image:
    """Return the image of a recipe, building it and its bases at most once."""

    def builder(target: Path, task: Task) -> None:
        args = dict(recipe.args)
        if recipe.base is not None:
            args["BASE"] = _in_storage(cache, build(cache, recipe.base))
        context = target / "context"
        context.mkdir()
        recipe.fill(context, task)
        task.note("building layers")
        command = [
            "build",
            "--isolation",
            "chroot",
            "--layers",
            "--pull-never",
            "--format",
            "docker",
        ]
        for name, value in args.items():
            command += ["--build-arg", f"{name}={value}"]
        files = ("--iidfile", target / "id", "--file", recipe.dockerfile)
        run([*_buildah(cache), *command, *files, context], on_line=task.note)
        shutil.rmtree(context)
        task.note("writing the archive")
        image = (target / "id").read_text().strip()
        # By id and not by name, so that the archive has the one name that is given here.
        archive = f"docker-archive:{target}/image.tar:{recipe.tag}"
        run([*_buildah(cache), "push", "--disable-compression", image, archive])

    directory = cache.entry(
        f"image-{recipe.name}", recipe.key(), f"building image {recipe.tag}", builder
    )
    return Image(recipe.tag, recipe.key(), directory)


def place(source: Path, target: Path) -> None:
    """Put a file into a context: a second name if possible, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _in_storage(cache: Cache, image: Image) -> str:
    """Return the id of an image in buildah's storage, loading it if the storage was removed."""
    found = (image.directory / "id").read_text().strip()
    with contextlib.suppress(Exception):
        output([*_buildah(cache), "inspect", "--type", "image", found])
        return found
    return output([*_buildah(cache), "pull", "--quiet", f"docker-archive:{image.archive}"])


def _buildah(cache: Cache) -> tuple[str | Path, ...]:
    storage = cache.root / "buildah"
    return ("buildah", "--root", storage, "--runroot", RUNROOT, "--storage-driver", "overlay")
