"""The host cluster of the main job: the one that KUBECONFIG names, kind, or the lab."""

from __future__ import annotations

import os
from pathlib import Path

from lab import job_kind, registry, teardown, versions
from lab.assets import Assets
from lab.cache import locked
from lab.cli import bring_up
from lab.errors import LabError
from lab.job_base import Host
from lab.job_kind import Kind
from lab.lab import Lab
from lab.paths import STATE_ROOT
from lab.progress import Progress
from lab.run import output


class Given(Host):
    """The cluster that KUBECONFIG names. It pulls the published images; it is never removed."""

    def prepare(self) -> None:
        try:
            version = output([self.tool("kubectl"), "version"], env=self.environment)
        except LabError as error:
            raise LabError(f"the cluster of KUBECONFIG={self.kubeconfig}: {error}") from None
        self.progress.say(f"host: the cluster of KUBECONFIG, {version.splitlines()[-1]}")

    def ours(self) -> bool:
        return False

    def remove(self) -> None:
        pass


class LabHost(Host):
    """The project's own lab."""

    def __init__(self, progress: Progress, name: str) -> None:
        super().__init__(progress, str(STATE_ROOT / name / "admin.kubeconfig"))
        self.name = name
        self._assets: Assets | None = None
        self._mark = STATE_ROOT / name / "made-by-up"

    def prepare(self) -> None:
        found = registry.find(self.name)
        try:
            lab, built = bring_up(self.progress, self.name)
        finally:
            # Also when it failed half-way: the next call goes on with what this one began.
            if found is None and registry.find(self.name) is not None:
                self._mark.touch()
        self.images = "+".join(image.key for image in built)
        self.progress.say(f"host: lab {self.name}, {lab.registration.kubernetes.version}")

    def tool(self, name: str) -> str:
        found = registry.find(self.name)
        minor = found.minor if found else versions.DEFAULT_KUBERNETES
        return str(Assets(self.progress, minor).tools(tests=False) / name)

    def ours(self) -> bool:
        return self._mark.exists()

    def remove(self) -> None:
        registration = registry.find(self.name)
        if registration is None:
            return
        if not self.ours():
            self.progress.say(f"lab {self.name} stays: scripts/lab down --name {self.name}")
            return
        with locked(registration.lock):
            teardown.down(Lab(registration, self.progress))
        self.progress.say(f"lab {self.name} is gone")


def choose(progress: Progress, lab: str, kind: str) -> Host:
    """Return the host cluster, and say why it is this one."""
    given = os.environ.get("KUBECONFIG", "")
    if given:
        name = _lab_of(given)
        if name is not None:
            progress.say(f"KUBECONFIG names lab {name}")
            return LabHost(progress, name)
        return Given(progress, given)
    if kind == "lab":
        return LabHost(progress, lab)
    made = Kind(progress, lab)
    if kind == "kind":
        return made
    if made.begun:
        progress.say(f"host: kind's cluster {lab}, which scripts/up made (else: --host lab)")
        return made
    obstacle = job_kind.obstacle()
    if obstacle is None:
        progress.say("host: kind, since a Docker engine and a registry answer (else: --host lab)")
        return made
    progress.say(f"host: the lab, since KUBECONFIG is not set and {obstacle}")
    return LabHost(progress, lab)


def find(progress: Progress, lab: str, kind: str) -> Host | None:
    """Return the host cluster that `up` would use, if it exists."""
    if os.environ.get("KUBECONFIG"):
        return choose(progress, lab, kind)
    made_by_kind = Kind(progress, lab)
    if kind != "lab" and made_by_kind.begun:
        return made_by_kind
    if registry.find(lab):
        return LabHost(progress, lab)
    # No cluster, but the Engine that one was to run in: `up` failed between the two.
    return made_by_kind if kind != "lab" and made_by_kind.ours() else None


def _lab_of(kubeconfig: str) -> str | None:
    """Return the lab whose admin's kubeconfig this is."""
    path = Path(kubeconfig).absolute()
    if path.name == "admin.kubeconfig" and path.parent.parent == STATE_ROOT:
        return path.parent.name
    return None
