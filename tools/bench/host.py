"""The host that is measured: the cluster of KUBECONFIG, or a lab with KWOK's nodes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lab import extras, kwok
from lab.assets import Assets
from lab.cache import locked
from lab.configs import PAUSE
from lab.lab import Lab
from lab.progress import Progress
from tests.conformance import lab as labs
from tests.conformance.product import build_product
from tests.e2e.release import Side
from tools.bench.api import Obj
from tools.bench.errors import BenchError
from tools.bench.installation import Target


@contextlib.contextmanager
def target(
    progress: Progress, assets: Assets, name: str, scratch: Path, image: str, *, keep: bool
) -> Iterator[Target]:
    """Provide it; a lab that was up stays so, and has the working tree's images."""
    given = os.environ.get("KUBECONFIG", "")
    if given:
        found = Target(Path(given), scratch, {}, image or PAUSE)
        if not (image or found.lab):
            raise BenchError("--image: name one that this cluster has, for pods that do nothing")
        yield found
        return
    with labs.lab(progress, name, keep=keep) as lab:
        yield Target(lab.kubeconfig, scratch, _values(lab, assets), image or PAUSE)


def _values(lab: Lab, assets: Assets) -> Obj:
    """Load the product of the working tree; return the values that name it."""
    built = build_product(assets.cache)
    labs.load(lab, built)
    with locked(lab.registration.lock):
        extras.bring(lab, assets, ["kwok"])
    return {
        "syncer": {"image": built.syncer.tag},
        "virtualCluster": {"image": built.k3s.tag},
    }


def has_kwok(host: Side) -> bool:
    """Tell whether there are nodes for pods that nothing runs."""
    selector = ",".join(f"{key}={value}" for key, value in kwok.NODES.items())
    return bool(host.api.all("Node", labels=selector))
