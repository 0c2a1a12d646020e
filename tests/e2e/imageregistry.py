"""The registry that the host's nodes pull from, of the extra `registry`: two doors, one content."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple, Self

from tests.e2e import manifests, shell
from tests.e2e.cluster import Obj
from tests.e2e.release import Side
from tests.e2e.waiting import until

SPACE = "registry"
BUSYBOX = "busybox:1.36"
"""An image that is there."""


class Registry(NamedTuple):
    """Where it is, by what names images have, and who is let in."""

    host: Side
    open: str
    """What images begin with that anybody may pull."""
    private: str
    """What they begin with where a name and a password are asked for."""
    push: str
    """Its address on this machine."""
    username: str
    password: str

    @classmethod
    def of(cls, host: Side) -> Self:
        """Return the host's."""
        return cls(host, **host.api.get("ConfigMap", "about", SPACE)["data"])

    def stock(self, path: str) -> None:
        """Put all that a virtual cluster brings along under a path that no node has seen yet."""
        for name in self._crane("catalog", self.push).split():
            if not name.startswith("e2e-"):
                self._copy(name, f"{path}/{name}")

    def add(self, path: str) -> str:
        """Put an image there under a path of its own; return its name without the door."""
        name, _, _ = BUSYBOX.partition(":")
        self._copy(name, f"{path}/{name}")
        return f"{path}/{BUSYBOX}"

    def has(self, image: str) -> bool:
        """Tell whether an image (without the door) is there."""
        name, _, tag = image.rpartition(":")
        return tag in self._crane("ls", f"{self.push}/{name}", check=False).split()

    def secret(self, name: str, namespace: str, password: str = "") -> Obj:
        """Return the Secret by which a kubelet is let in, or, with another password, is not."""
        login = f"{self.username}:{password or self.password}".encode()
        config = {"auths": {self.private: {"auth": base64.b64encode(login).decode()}}}
        made = manifests.secret(name, namespace, **{".dockerconfigjson": json.dumps(config)})
        return {**made, "type": "kubernetes.io/dockerconfigjson"}

    def wait_pulled(self, door: str, image: str) -> None:
        """Return once the log says that a node's runtime was given an image's manifest."""
        name, _, tag = image.rpartition(":")
        container = "private" if door == self.private else "open"

        def pulled() -> bool:
            log = self.host.kubectl("logs", "deployment/registry", "-n", SPACE, "-c", container)
            asked = f" /v2/{name}/manifests/{tag}"
            lines = [each for each in log.out.splitlines() if asked in each]
            return any('" 200 ' in each and "containerd" in each for each in lines)

        until(f"{image} was pulled from {door}", pulled, 30)

    def _copy(self, source: str, target: str) -> None:
        self._crane("copy", "--all-tags", f"{self.push}/{source}", f"{self.push}/{target}")

    def _crane(self, command: str, *args: str, check: bool = True) -> str:
        return shell.run(["crane", command, "--insecure", *args], check=check).out
