"""One lab: brings it up or back to health. Each step does only what is missing."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from lab import addons, components
from lab.api import Api, wait
from lab.assets import Assets
from lab.buildah import Image
from lab.cgroups import Cgroups
from lab.components import Layout
from lab.configure import configure
from lab.machine import raise_limits
from lab.network import Network
from lab.node import NodeImages
from lab.processes import Daemon, Processes
from lab.progress import Progress
from lab.registry import Registration
from lab.store import clone

READY = 120.0  # seconds for any one step, on two cores that may be compiling something else


class Lab:
    """A host cluster by name."""

    def __init__(self, registration: Registration, progress: Progress) -> None:
        self.registration = registration
        self.progress = progress
        self.state = registration.state
        name = registration.name
        self.network = Network(name, registration.addresses, registration.nodes)
        self.cgroups = Cgroups(name)
        self.processes = Processes(self.state, self.cgroups)

    @property
    def kubeconfig(self) -> Path:
        """Return the path of the admin's kubeconfig."""
        return self.state / "admin.kubeconfig"

    @property
    def numbers(self) -> range:
        """Return the nodes' numbers, from 1."""
        return self.network.numbers

    def is_new(self) -> bool:
        """Tell whether a node has no container runtime's store yet."""
        return any(
            not (self.state / f"node-{n}" / "containerd/root").exists() for n in self.numbers
        )

    def up(self, assets: Assets, store: Path | None) -> None:
        """Bring everything up that is not; return when pods can be created and run.

        New nodes start from `store`, which has most images unpacked.
        """
        row = self.registration.kubernetes
        at = Layout(self.state, assets.kubernetes(), assets.kine(), row, self.network)
        with self.progress.task("host cluster", quiet=True) as task:
            task.note("network and files")
            raise_limits(self.registration.root)
            self.network.up()
            configure(at, self.cgroups)
            with concurrent.futures.ThreadPoolExecutor(len(self.numbers)) as pool:
                task.note("control plane and container runtimes")
                start = partial(self._runtime, at, assets.host_images(), store)
                runtimes = [pool.submit(start, n) for n in self.numbers]
                self._control_plane(at)
                _all(runtimes)
                task.note("nodes and add-ons")
                api = Api(self.kubeconfig)
                heartbeats = self._nodes(at, api)
                addons.apply(at, api)
            task.note("waiting for nodes and DNS")
            self._wait_ready(api, heartbeats)

    def load(self, built: Sequence[Image]) -> None:
        """Import built images into every node that has them not, or in another version."""
        self._each(partial(self._load, built))

    def load_archives(self, archives: Iterable[Path]) -> None:
        """Import image archives into every node."""
        for archive in archives:
            with self.progress.task(f"loading {archive.name}"):
                self._each(partial(self._load_archive, archive))

    def _load_archive(self, archive: Path, number: int) -> None:
        self._images(number).load_archive(archive)

    def _load(self, built: Sequence[Image], number: int) -> None:
        store = self._images(number)
        for image in store.missing(built):
            with self.progress.task(f"loading {image.tag} into node-{number}", quiet=True):
                store.load(image)

    def _images(self, number: int) -> NodeImages:
        return NodeImages(self.state / f"node-{number}")

    def _each(self, action: Callable[[int], None]) -> None:
        with concurrent.futures.ThreadPoolExecutor(len(self.numbers)) as pool:
            _all([pool.submit(action, number) for number in self.numbers])

    def _start(self, daemon: Daemon) -> bool:
        started = self.processes.ensure(daemon)
        if started:
            self.progress.say(f"started {daemon.name}")
        return started

    def _control_plane(self, at: Layout) -> None:
        self._start(components.kine(at))
        self._start(components.apiserver(at))
        api = Api(self.kubeconfig)
        check = partial(self._check, "kine", "kube-apiserver")
        # The others exit when they start before RBAC is there, which readiness includes.
        wait("the API server", READY, lambda: api.answers("/readyz"), check)
        self._start(components.controller_manager(at))
        self._start(components.scheduler(at))

    def _runtime(self, at: Layout, first: Sequence[Image], store: Path | None, number: int) -> None:
        if store is not None:
            clone(store, at.node(number))
        daemon = components.containerd(at, number)
        self._start(daemon)
        wait(daemon.name, READY, self._images(number).answers, partial(self._check, daemon.name))
        self._load(first, number)

    def _nodes(self, at: Layout, api: Api) -> dict[str, str]:
        """Start what a node runs; return the last heartbeats of nodes whose kubelet started."""
        heartbeats = {}
        for number in self.numbers:
            last = addons.heartbeat(api, f"node-{number}")
            if self._start(components.kubelet(at, number)):
                heartbeats[f"node-{number}"] = last
            self._start(components.proxy(at, number))
        return heartbeats

    def _wait_ready(self, api: Api, heartbeats: Mapping[str, str]) -> None:
        check = partial(self._check, *self.processes.names())
        for node in (f"node-{n}" for n in self.numbers):
            after = heartbeats.get(node)
            wait(node, READY, partial(addons.node_ready, api, node, after), check)
        for namespace, name in addons.DEPLOYMENTS:
            wait(name, READY, partial(addons.available, api, namespace, name), check)
        # Until it exists, pods that name no other account are refused.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        wait("the default service account", READY, partial(api.answers, account), check)

    def _check(self, *names: str) -> None:
        for name in names:
            self.processes.check(name)


def _all(futures: Iterable[concurrent.futures.Future[None]]) -> None:
    for future in futures:
        future.result()
