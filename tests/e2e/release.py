"""A virtual cluster as its user has it: installed with Helm, reached through a port-forward."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import yaml

from tests.e2e import kubeconfig
from tests.e2e.cluster import Cluster, Obj, Unreachable
from tests.e2e.shell import Done, Program
from tests.e2e.tunnel import Tunnel
from tests.e2e.waiting import Pending, brief, is_ready, until

CHART = Path(__file__).parents[2] / "charts" / "virtualcluster"
INSTALL = 180.0  # seconds; it takes 20, and several at once on two cores a multiple of that
# Another syncer than the chart's own: one with a fault on purpose, to see which test finds it.
SYNCER_IMAGE = os.environ.get("VC_E2E_SYNCER_IMAGE", "")
K3S_IMAGE = os.environ.get("VC_E2E_K3S_IMAGE", "")
MANAGED_BY = "virtualcluster.dev/managed-by"
UID = "virtualcluster.dev/uid"


@dataclass
class Side:
    """One cluster: its API and its kubectl, under one user."""

    api: Cluster
    kubectl: Program

    @classmethod
    def of(cls, kubeconfig: Path) -> Self:
        """Return the cluster that a kubeconfig leads to."""
        return cls(Cluster(kubeconfig), Program("kubectl", kubeconfig))


class Virtual(Side):
    """The inside of a virtual cluster."""


@dataclass
class Release:
    """One release of the chart in a host namespace; `host` sees everything there."""

    host: Side
    name: str
    namespace: str
    scratch: Path
    forward: Tunnel | None = field(default=None, repr=False)

    @property
    def pod(self) -> str:
        """Return the name of the control plane's pod."""
        return f"{self.name}-0"

    def helm(self, kubeconfig: Path | None = None) -> Program:
        """Return helm under the user of a kubeconfig, with caches of its own."""
        home = {
            f"HELM_{part}_HOME": str(self.scratch / part) for part in ("CACHE", "CONFIG", "DATA")
        }
        return Program("helm", kubeconfig or self.host.kubectl.kubeconfig, home)

    def install(
        self,
        values: Obj | None = None,
        *extra: str,
        kubeconfig: Path | None = None,
        check: bool = True,
        repository: str = "",
    ) -> Done:
        """Run `helm install --wait`, as the user of a kubeconfig or as the host's admin."""
        chart = ["virtualcluster", "--repo", repository] if repository else [str(CHART)]
        command = ["install", self.name, *chart, "--namespace", self.namespace, "--wait"]
        command += [f"--timeout={INSTALL:.0f}s", *self._values(values), *extra]
        return self.helm(kubeconfig)(*command, check=check, timeout=INSTALL + 30)

    def upgrade(
        self,
        values: Obj | None = None,
        *,
        chart: str = "",
        check: bool = True,
    ) -> Done:
        """Run `helm upgrade --wait`."""
        command = ["upgrade", self.name, chart or str(CHART), "--namespace", self.namespace]
        command += ["--wait", f"--timeout={INSTALL:.0f}s", *self._values(values)]
        return self.helm()(*command, check=check, timeout=INSTALL + 30)

    def start(self, values: Obj | None = None) -> Done:
        """Run `helm install` and wait for nothing, for what is not going to work."""
        command = ["install", self.name, str(CHART), "--namespace", self.namespace]
        return self.helm()(*command, *self._values(values))

    def template(self, values: Obj | None = None, *, hooks: bool = False) -> bytes:
        """Return what `helm template` renders for this host.

        With hooks as for an installation; without as one has it who only applies the rest.
        """
        command = ["template", self.name, str(CHART), "--namespace", self.namespace]
        version = self.host.api.json("GET", "/version")["gitVersion"]
        command += [] if hooks else ["--no-hooks", "--is-upgrade"]
        command += [f"--kube-version={version}", *self._values(values)]
        return self.helm()(*command).out.encode()

    def uninstall(self) -> Done:
        """Run what the README says for deleting it."""
        if self.forward is not None:
            self.forward.close()
        return self.helm()("delete", self.name, "-n", self.namespace)

    def connect(self) -> Virtual:
        """Get the kubeconfig of the README, and forward a port that is free."""
        text = self.host.kubectl(
            *("exec", self.pod, "-n", self.namespace, "-c", "syncer"),
            *("--", "cat", "/root/.kube/config"),
        ).out
        self.forward = Tunnel(self.host.api.kubeconfig, self.namespace, self.pod, 8443).open()
        config = yaml.safe_load(text)
        assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:8443", text
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.forward.port}"
        file = self.scratch / f"{self.namespace}-{self.name}.kubeconfig"
        virt = Virtual.of(kubeconfig.write(config, file))
        until(
            "the virtual API answers",
            lambda: virt.api.get("Namespace", "default"),
            despite=(Unreachable,),
        )
        return virt

    def host_pods(self) -> list[Obj]:
        """Return the synced pods on the host."""
        return self.host.api.all("Pod", self.namespace, f"{MANAGED_BY}={self.name}")

    def host_pod(self, virt_pod: Obj) -> Obj:
        """Return the one host pod of a virtual pod."""
        uid = virt_pod["metadata"]["uid"]
        twins = [pod for pod in self.host_pods() if virt_uid(pod) == uid]
        assert len(twins) == 1, f"{len(twins)} host pods for {brief(virt_pod)}"
        return twins[0]

    def wait_coredns(self, seconds: float = 120.0) -> float:
        """Return when CoreDNS of the virtual cluster became ready, as time.monotonic() says it."""

        def ready() -> bool:
            pods = self.host_pods()
            dns = [each for each in pods if each["metadata"]["name"].startswith("coredns-")]
            if not any(is_ready(each) for each in dns):
                raise Pending("; ".join(map(brief, pods)) or "no pod")
            return True

        until(f"CoreDNS of {self.namespace}/{self.name} is ready", ready, seconds)
        return time.monotonic()

    def syncer_log(self, lines: int = 60) -> str:
        """Return the end of the syncer's log, that of a container before this one included."""
        command = ("logs", self.pod, "-n", self.namespace, "-c", "syncer", f"--tail={lines}")
        earlier = self.host.kubectl(*command, "--previous", check=False)
        now = self.host.kubectl(*command, check=False)
        return (earlier.out if earlier.code == 0 else "") + now.out + now.err

    def _values(self, values: Obj | None) -> list[str]:
        images = {"syncer": SYNCER_IMAGE, "virtualCluster": K3S_IMAGE}
        run = {part: {"image": image} for part, image in images.items() if image}
        files = []
        # Of two files the later one wins: a test may name an image of its own.
        for name, content in (("images", run), ("values", values)):
            if content:
                file = self.scratch / f"{self.namespace}-{self.name}-{name}.yaml"
                file.write_text(yaml.safe_dump(content))
                files += ["--values", str(file)]
        return files


def virt_uid(host_obj: Obj) -> str:
    """Return the UID of the virtual object that a host object is the twin of."""
    return str((host_obj["metadata"].get("annotations") or {}).get(UID, ""))
