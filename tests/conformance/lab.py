"""The lab that a run uses: one that is up stays as it is, one that is not is made for the run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from lab import registry, teardown
from lab.api import Api
from lab.buildah import Image
from lab.cache import locked
from lab.cli import bring_up
from lab.errors import LabError
from lab.lab import Lab
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES


@contextlib.contextmanager
def lab(progress: Progress, name: str, *, keep: bool) -> Iterator[Lab]:
    """Provide a lab while the block runs; take it down afterwards if it was made here."""
    found = registry.find(name)
    if found is not None and _answers(Lab(found, progress)):
        if found.minor != DEFAULT_KUBERNETES:
            raise LabError(f"lab {name} has Kubernetes {found.minor}, not {DEFAULT_KUBERNETES}")
        yield Lab(found, progress)
        return
    made, _ = bring_up(progress, name)
    try:
        yield made
    finally:
        if not keep:
            with locked(made.registration.lock):
                teardown.down(made)


def load(where: Lab, built: Sequence[Image]) -> None:
    """Import images into every node that lacks them."""
    with locked(where.registration.lock):
        where.load(built)


def _answers(found: Lab) -> bool:
    return found.kubeconfig.exists() and Api(found.kubeconfig).answers("/readyz")
