"""What the main job asks of a host cluster, whoever runs it."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod

from lab import versions
from lab.assets import Assets
from lab.paths import REPO
from lab.progress import Progress


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
