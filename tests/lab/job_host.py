"""The host cluster of the main job: the one that KUBECONFIG names, kind, or the lab."""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from tests.lab import registry, teardown, versions
from tests.lab.assets import Assets
from tests.lab.cache import locked, tree_digest
from tests.lab.cli import bring_up
from tests.lab.errors import LabError
from tests.lab.images import SYNCER_TAG
from tests.lab.lab import Lab
from tests.lab.paths import REPO, STATE_ROOT
from tests.lab.progress import Progress
from tests.lab.run import output, run


class Host(ABC):
    """A cluster that the chart is installed into."""

    def __init__(self, progress: Progress, kubeconfig: str) -> None:
        self.progress = progress
        self.kubeconfig = kubeconfig
        self.images = ""
        """A key of the images' content, where a tag alone does not say it."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which kubectl and helm reach the cluster."""
        return {"KUBECONFIG": self.kubeconfig}

    @property
    def setup(self) -> list[str]:
        """Return what a person types before kubectl and helm reach the cluster as we do."""
        lines = []
        if os.environ.get("KUBECONFIG") != self.kubeconfig:
            lines.append(f"export KUBECONFIG={self.kubeconfig}")
        if any(shutil.which(name) != self.tool(name) for name in ("kubectl", "helm")):
            lines.append(f'export PATH="$({REPO / "scripts" / "lab"} tools):$PATH"')
        return lines

    @abstractmethod
    def prepare(self) -> None:
        """Bring the cluster up and put into it the images that it cannot pull."""

    @abstractmethod
    def ours(self) -> bool:
        """Tell whether `remove` takes the whole cluster away."""

    @abstractmethod
    def remove(self) -> None:
        """Take the cluster away, if it is ours."""

    def tool(self, name: str) -> str:
        """Return the path of kubectl or helm."""
        found = shutil.which(name)
        if found is None:
            found = str(
                Assets(self.progress, versions.DEFAULT_KUBERNETES).tools(tests=False) / name
            )
        return found


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


class Kind(Host):
    """A cluster of kind, where a Docker engine and a registry are to be had."""

    def __init__(self, progress: Progress, name: str) -> None:
        super().__init__(progress, str(REPO / "build" / f"kind-{name}.kubeconfig"))
        self.name = name

    def prepare(self) -> None:
        Path(self.kubeconfig).parent.mkdir(exist_ok=True)
        if self.name not in output(["kind", "get", "clusters"]).split():
            with self.progress.task("creating a kind cluster") as task:
                create = ["kind", "create", "cluster", "--name", self.name, "--wait", "2m"]
                run([*create, "--kubeconfig", self.kubeconfig], on_line=task.note)
        with self.progress.task(f"building {SYNCER_TAG} with Docker") as task:
            self._build(task.note)
        self.images = str(tree_digest(REPO / "syncer"))

    def _build(self, note: Callable[[str], None]) -> None:
        context = REPO / "build" / "syncer-context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(REPO / "syncer", context / "syncer")
        (context / "wheels").mkdir()  # empty: with a network, pip fetches what the lock names
        dockerfile = REPO / "syncer" / "Dockerfile"
        run(["docker", "build", "--tag", SYNCER_TAG, "--file", dockerfile, context], on_line=note)
        run(["kind", "load", "docker-image", "--name", self.name, SYNCER_TAG], on_line=note)

    def ours(self) -> bool:
        return Path(self.kubeconfig).exists()

    def remove(self) -> None:
        run(["kind", "delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig])
        Path(self.kubeconfig).unlink(missing_ok=True)


def choose(progress: Progress, lab: str, kind: str) -> Host:
    """Return the host cluster, and say why it is this one."""
    given = os.environ.get("KUBECONFIG", "")
    if given:
        name = _lab_of(given)
        if name is not None:
            progress.say(f"KUBECONFIG names lab {name}")
            return LabHost(progress, name)
        return Given(progress, given)
    if kind == "kind" or (kind == "auto" and _kind_is_here(progress)):
        return Kind(progress, lab)
    return LabHost(progress, lab)


def find(progress: Progress, lab: str, kind: str) -> Host | None:
    """Return the host cluster that `up` would use, if it exists."""
    if os.environ.get("KUBECONFIG"):
        return choose(progress, lab, kind)
    made_by_kind = Kind(progress, lab)
    if kind != "lab" and made_by_kind.ours():
        return made_by_kind
    return LabHost(progress, lab) if registry.find(lab) else None


def _lab_of(kubeconfig: str) -> str | None:
    """Return the lab whose admin's kubeconfig this is."""
    path = Path(kubeconfig).absolute()
    if path.name == "admin.kubeconfig" and path.parent.parent == STATE_ROOT:
        return path.parent.name
    return None


def _kind_is_here(progress: Progress) -> bool:
    if shutil.which("kind") is None:
        progress.say("host: the lab, since KUBECONFIG is not set and kind is not installed")
        return False
    try:
        subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        progress.say("host: the lab, since KUBECONFIG is not set and no Docker engine answers")
        return False
    progress.say("host: kind, since a Docker engine answers (the lab instead: --host lab)")
    return True
