"""Builds what later parts of a run need, while earlier ones leave a processor free.

    nice python -m tools.ahead

In the order in which it is needed. Whoever needs the same at the same time waits for this build
instead of making another.
"""

from __future__ import annotations

from lab import buildah, gobuild
from lab.assets import Assets
from lab.docker.engine import answers
from lab.extras import EXTRAS
from lab.kind.nodeimage import NodeImage
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES, KUBERNETES
from tests.conformance import images as conformance_images
from tests.conformance import programs
from tests.e2e import extras as wanted
from tests.hosts import presets


def main() -> None:
    """Build the lab of the tests, the conformance suite, the other hosts' versions, kind's node."""
    progress = Progress()
    lab = Assets(progress, DEFAULT_KUBERNETES)
    lab.prepare()
    lab.product_images()
    for name in wanted.of(()):
        for recipe in EXTRAS[name].images(lab.cache):
            buildah.build(lab.cache, recipe)
    programs.suite(lab.cache)
    conformance_images.built(lab.cache)
    for minor in presets.fast([each for each in presets.minors() if each in KUBERNETES]):
        host = Assets(progress, minor)
        host.kubernetes()
        host.host_images()
        host.product_images()
    if not answers():  # an Engine that is the project's own pulls nothing
        NodeImage(lab.cache, DEFAULT_KUBERNETES).prepare()
        gobuild.build(lab.cache, gobuild.KIND)


if __name__ == "__main__":
    main()
