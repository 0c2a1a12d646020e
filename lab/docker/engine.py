"""Brings the project's own Docker Engine up and takes it down, completely."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lab import teardown
from lab.api import wait
from lab.cache import locked
from lab.cgroups import Cgroups, hierarchies
from lab.docker import network, programs, runtime
from lab.errors import LabError
from lab.machine import raise_limits, restore_limits
from lab.paths import ENGINE, STATE_ROOT
from lab.processes import Daemon, Processes
from lab.progress import Progress
from lab.registry import names
from lab.run import output

_READY = 60.0  # seconds
_PATIENCE = 30.0  # seconds for an Engine to say anything at all
_TOP = "vcdocker"
_DAEMON = "dockerd"
_RUNTIME = "lab"
_SHARED = (Path("/run/docker/plugins"), Path("/run/docker"))
_CONTAINERS = "containers"
_SOCKET = "docker.sock"


def answers(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether an Engine answers to `docker` in this environment, the caller's by default."""
    command = ("docker", "info")
    env = {**os.environ, **(environment or {})}
    try:
        subprocess.run(command, env=env, capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class Engine:
    """The one Engine of a machine; whoever's clone started it, `up` and `down` find it."""

    def __init__(self, progress: Progress, root: Path = STATE_ROOT) -> None:
        self.progress = progress
        self.state = root / ENGINE
        self._root = root
        self._lock = root / f"{ENGINE}.lock"
        self._mark = self.state / "made-by-up"
        self._cgroups = Cgroups("", _TOP)

    @property
    def host(self) -> str:
        """Return what DOCKER_HOST must be."""
        return f"unix://{self.state / _SOCKET}"

    @property
    def log(self) -> Path:
        """Return the path of its log."""
        return self.state / "log" / f"{_DAEMON}.log"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which `docker` and kind reach the Engine.

        Its own `docker` comes first: a newer one may refuse to speak to an Engine this old.
        """
        path = f"{programs.directory(self.progress)}{os.pathsep}{os.environ['PATH']}"
        return {"DOCKER_HOST": self.host, "PATH": path}

    @property
    def exists(self) -> bool:
        """Tell whether it was ever brought up and not taken down since."""
        return self.state.exists()

    @property
    def for_up(self) -> bool:
        """Tell whether scripts/up made it, so that scripts/down removes it."""
        return self._mark.exists()

    def runs(self) -> bool:
        """Tell whether it answers."""
        return self.exists and answers(self.environment)

    def up(self, *, for_up: bool = False) -> None:
        """Bring it up or back to health; `for_up` only marks one that was not there."""
        if os.geteuid() != 0:
            raise LabError("a Docker Engine makes namespaces and cgroups: run it as root")
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._lock):
            directory = programs.directory(self.progress)
            new = not self.exists
            processes = Processes(self.state, self._cgroups)
            if new and for_up:
                self._mark.touch()
            raise_limits(self._root)
            if processes.pid(_DAEMON) is None:
                # One whose record was never written, or containers that outlived a dead one.
                self._cgroups.kill()
            network.up()
            self._cgroups.everywhere(_CONTAINERS)
            self._place_runtime()
            if processes.ensure(self._daemon(directory)):
                self.progress.say("started dockerd")
            environment = self.environment
            alive = lambda: processes.check(_DAEMON)  # noqa: E731  two words for wait
            wait("the Docker Engine", _READY, lambda: answers(environment), alive)
            network.admit()

    def down(self) -> None:
        """End it with all its containers, and remove its network, images and files."""
        if not self.exists:
            return
        with (
            locked(self._lock),
            self.progress.task("taking down the Docker Engine", quiet=True) as task,
        ):
            tasks = self.state / "exec" / "containerd" / "daemon" / teardown.SHIMS
            sockets = teardown.shim_sockets(tasks.glob("*/*/address"))
            task.note("processes")
            self._cgroups.kill()  # its mounts go with them: their namespace is the Engine's own
            network.down()
            self._cgroups.remove()
            task.note("files")
            for path in sockets:
                path.unlink(missing_ok=True)
            shutil.rmtree(self.state)
            for directory in _SHARED:  # where every Engine looks for plugins; another's has more
                with contextlib.suppress(OSError):
                    directory.rmdir()
            if not names(self._root):
                restore_limits(self._root)
            if left := self.left_behind():
                raise LabError(f"not all of the Engine could be removed: {', '.join(left)}")

    def busy(self) -> list[str]:
        """Return the names of its containers."""
        command = ["docker", "ps", "--all", "--format", "{{.Names}}"]
        return output(command, env=self.environment).split()

    def left_behind(self) -> list[str]:
        """Return what of it is on the machine."""
        found = [f"process {pid}" for pid in self._cgroups.processes()] + network.left()
        paths = [self.state, *(each / self._cgroups.top for each in hierarchies())]
        return found + [str(path) for path in paths if path.exists()]

    def _place_runtime(self) -> None:
        source = Path(runtime.__file__).read_text()
        interpreter = getattr(sys, "_base_executable", sys.executable)  # of no environment
        half = self.state / ".runtime.half"
        half.write_text(f"#!{interpreter} -I\n{source}")
        half.chmod(0o755)
        half.rename(self.state / "runtime")

    def _daemon(self, directory: Path) -> Daemon:
        file = self.state / "daemon.json"
        file.write_text(json.dumps(configuration(self.state, directory), indent=1))
        # A mount namespace of its own: no mount of it is seen here, and none can stay behind.
        command = ["unshare", "--mount", "--propagation", "slave", str(directory / "dockerd")]
        return Daemon(_DAEMON, network.PATH, [*command, f"--config-file={file}"], [file])


def configuration(state: Path, directory: Path) -> dict[str, object]:
    """Return dockerd's configuration: nothing of it is where another Engine has its own."""
    return {
        "bip": network.BRIDGE,
        "cgroup-parent": f"/{_TOP}/{_CONTAINERS}",
        "data-root": str(state / "data"),
        "deprecated-key-path": str(state / "key.json"),
        "default-address-pools": [{"base": str(network.POOL), "size": 24}],
        "default-runtime": _RUNTIME,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "exec-root": str(state / "exec"),
        "group": "root",
        "hosts": [f"unix://{state / _SOCKET}"],
        "pidfile": str(state / "dockerd.pid"),
        "runtimes": {_RUNTIME: {"path": str(state / "runtime")}},
        "storage-driver": "overlay2",
        "userland-proxy-path": str(directory / "docker-proxy"),
    }
