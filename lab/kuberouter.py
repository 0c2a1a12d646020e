"""kube-router, of which a lab takes the firewall: NetworkPolicies are enforced, on nodes that ask.

Only nodes with the label LABEL run it, so that nothing else in a lab pays for it: it looks at all
rules of a node whenever any pod of it comes or goes.
"""

from __future__ import annotations

from pathlib import Path

from lab import debootstrap, gobuild, versions
from lab.buildah import Recipe
from lab.cache import Cache
from lab.gobuild import MODULES, Program
from lab.images import place_copy
from lab.paths import LAB_SOURCE
from lab.progress import Task

MODULE = "github.com/cloudnativelabs/kube-router/v2"
TAG = f"kube-router:{versions.KUBE_ROUTER}"
LABEL = "virtualcluster.dev/lab-network-policies"
"""Of a node: `enforced`."""
_PACKAGES = "iptables,ipset"
PROGRAM = Program(
    name="kube-router",
    version=versions.KUBE_ROUTER,
    directory=MODULES / "kube-router",
    packages=(f"{MODULE}/cmd/kube-router",),
    ldflags=f"-s -w -X {MODULE}/pkg/version.Version={versions.KUBE_ROUTER}",
)


def recipes(cache: Cache) -> list[Recipe]:
    """Return its image."""

    def fill(context: Path, task: Task) -> None:
        debootstrap.pack(debootstrap.make(context, _PACKAGES, task), context, task)
        place_copy(gobuild.build(cache, PROGRAM) / "kube-router", context / "kube-router")

    dockerfile = LAB_SOURCE / "images" / "kube-router" / "Dockerfile"
    inputs = (debootstrap.SUITE, _PACKAGES, debootstrap.USELESS, PROGRAM.key())
    return [Recipe(TAG, dockerfile, inputs, fill)]
