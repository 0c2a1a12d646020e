"""The product of the working tree as images of its own names: two trees can share a lab."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from lab import images as lab_images
from lab import k3simages
from lab.buildah import Image, Recipe, build
from lab.cache import Cache, digest, file_digest, tree_digest
from lab.paths import REPO
from lab.versions import DEFAULT_KUBERNETES
from tests.conformance import images, programs
from tests.conformance.profiles import Profile

CHART = REPO / "charts" / "virtualcluster"


class Product(NamedTuple):
    """The syncer's and k3s' image."""

    syncer: Image
    k3s: Image


def build_product(cache: Cache) -> Product:
    """Build both from the working tree, each named after what is in it."""
    syncer = _named(lab_images.syncer(cache))
    tag = k3simages.tag(DEFAULT_KUBERNETES)
    k3s = f"{tag}-{k3simages.key(cache, DEFAULT_KUBERNETES)[:8]}"
    return Product(build(cache, syncer), k3simages.image(cache, DEFAULT_KUBERNETES, k3s))


def inputs_key(cache: Cache, profile: Profile) -> str:
    """Return the key of everything that can change a result."""
    parts: list[object] = [profile.name, programs.suite_key(), DEFAULT_KUBERNETES]
    parts += [recipe.key() for recipe in images.recipes(cache)]
    if profile.virtual:
        files = [path for path in (profile.values, profile.installer) if path is not None]
        parts += [_digests(files), tree_digest(CHART)]
        parts += [lab_images.syncer(cache).key(), k3simages.key(cache, DEFAULT_KUBERNETES)]
    return digest(*parts)


def _digests(files: list[Path]) -> list[str]:
    return [file_digest(file) for file in files]


def _named(recipe: Recipe) -> Recipe:
    return dataclasses.replace(recipe, tag=f"{recipe.tag}-{recipe.key()[:8]}")
