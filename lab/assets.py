"""Everything that a lab needs built: programs and images, each once, in two lanes.

One lane computes, the other waits for the network: compilers never share the processors, and
nothing is compiled while something else is only being fetched.
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import buildah, charttools, gobuild, images, k3simages, prometheus, store
from lab.buildah import Image, Recipe
from lab.cache import Cache, digest
from lab.progress import Progress, Task
from lab.versions import DEFAULT_KUBERNETES


class Assets:
    """What a lab of one Kubernetes minor is made from."""

    def __init__(self, progress: Progress, minor: str) -> None:
        self.cache = Cache(progress)
        self.minor = minor
        self.programs = [
            gobuild.kubernetes(minor),
            # Of one minor for all labs: the test images, kubectl, and what runs in the product.
            *(() if minor == DEFAULT_KUBERNETES else (gobuild.kubernetes(DEFAULT_KUBERNETES),)),
            gobuild.KINE,
            gobuild.coredns(minor),
            gobuild.LOCAL_PATH,
            gobuild.HELM,
        ]

    def prepare(self) -> None:
        """Build what is not there yet, but for the product's images."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            lanes = [pool.submit(self._network_lane), pool.submit(self._compute_lane)]
            for lane in concurrent.futures.as_completed(lanes):
                lane.result()
        self.host_images()

    def _network_lane(self) -> None:
        steps: list[Callable[[], object]] = [
            functools.partial(gobuild.download, self.cache, program)
            for program in self.programs
            if not self.cache.has(f"bin-{program.name}", program.key())
        ]
        # The first program's modules are what the other lane waits for; the rest can come last.
        steps[1:1] = [
            functools.partial(images.wheels, self.cache),
            functools.partial(buildah.build, self.cache, images.python()),
        ]
        for step in steps:
            step()

    def _compute_lane(self) -> None:
        for program in self.programs:
            gobuild.build(self.cache, program)

    def kubernetes(self) -> Path:
        """Return the directory of Kubernetes' programs."""
        return gobuild.build(self.cache, gobuild.kubernetes(self.minor))

    def kine(self) -> Path:
        """Return the directory of kine."""
        return gobuild.build(self.cache, gobuild.KINE)

    @functools.cached_property
    def _host_recipes(self) -> list[Recipe]:
        return list(images.of_host(self.cache, self.minor))

    @functools.cached_property
    def _product_recipes(self) -> list[Recipe]:
        return [
            images.agnhost(self.cache, DEFAULT_KUBERNETES),
            images.syncer(self.cache),
        ]

    def host_images(self) -> list[Image]:
        """Return the images that the host cluster itself runs."""
        return [buildah.build(self.cache, recipe) for recipe in self._host_recipes]

    def product_images(self) -> list[Image]:
        """Return the images of the working tree and what its tests run."""
        built = [buildah.build(self.cache, recipe) for recipe in self._product_recipes]
        return [*built, *self.virtual_images([self.minor])]

    def virtual_images(self, minors: Sequence[str]) -> list[Image]:
        """Return what virtual clusters of these k3s minors run."""
        for line in k3simages.remarks():
            self.cache.progress.say(line)
        return [each for minor in minors for each in k3simages.images(self.cache, minor)]

    def store(self, product: Sequence[Image]) -> Path:
        """Return a container runtime's store with all images."""
        slow = [
            gobuild.kubernetes(DEFAULT_KUBERNETES).key(),
            gobuild.KINE.key(),
            images.syncer_base_key(),
        ]
        host = self.host_images()
        inputs = [*slow, *(image.key for image in host)]
        return store.build(self.cache, [*host, *product], inputs)

    def tools(self, *, tests: bool = True) -> Path:
        """Return a directory for PATH with kubectl and helm and, for tests, what they run."""
        programs = {
            "kubectl": gobuild.build(self.cache, gobuild.kubernetes(DEFAULT_KUBERNETES))
            / "kubectl",
            "helm": gobuild.build(self.cache, gobuild.HELM) / "helm",
        }
        if tests:
            for file, program in charttools.PROGRAMS.items():
                programs[file] = gobuild.build(self.cache, program) / file
            programs |= prometheus.programs(self.cache)

        def builder(target: Path, _task: Task) -> None:
            for name, path in programs.items():
                (target / name).symlink_to(path)

        key = digest({name: str(path) for name, path in programs.items()})
        return self.cache.entry("tools", key, "collecting tools", builder)

    def chart_environment(self) -> dict[str, str]:
        """Return the variables with which helm finds its plugin and ct its rules."""
        return charttools.environment(self.cache)
