"""A virtual cluster for the suite: installed fresh, reached directly, gone afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.conformance import presence
from tests.conformance.product import CHART, Product
from tests.conformance.profiles import Profile
from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.e2e.kubeconfig import at_node, with_token, write
from tests.e2e.shell import Program
from tests.e2e.waiting import until

RELEASE = "vc"
INSTALLER = "installer"
INSTALL = 300.0  # seconds; 20 on an idle machine
REMOVE = 300.0


class Installation:
    """The release of one profile in a namespace of its own."""

    def __init__(self, host: Path, profile: Profile, address: str, scratch: Path) -> None:
        self.profile = profile
        self.namespace = f"conformance-{profile.name}"
        self.api = Cluster(host)
        self._host = host
        self._address = address
        self._scratch = scratch
        self._kubectl = Program("kubectl", host)

    @property
    def pod(self) -> str:
        """Return the name of the control plane's pod."""
        return f"{RELEASE}-0"

    def install(self, product: Product) -> Path:
        """Install it as the profile's user; return a kubeconfig that needs no port-forward."""
        self.remove()
        self._kubectl("create", "namespace", self.namespace)
        user = self._host if self.profile.installer is None else self._installer()
        # A NodePort stays while pods come and go, and a lab's machine reaches the nodes.
        flags = {
            "syncer.image": product.syncer.tag,
            "virtualCluster.image": product.k3s.tag,
            "service.type": "NodePort",
            "virtualCluster.tlsSans[0]": self._address,
        }
        command = ["install", RELEASE, str(CHART), "--namespace", self.namespace, "--wait"]
        command += [f"--timeout={INSTALL:.0f}s", "--values", str(self.profile.values)]
        command += [f"--set={key}={value}" for key, value in flags.items()]
        self._helm(user)(*command, timeout=INSTALL + 30)
        virt_kubeconfig = self._connect()
        presence.occupy(self.api, virt_kubeconfig)
        return virt_kubeconfig

    def remove(self) -> None:
        """Delete everything of it, also what an earlier run left behind."""
        space = ("--namespace", self.namespace)
        if self.api.find("Namespace", self.namespace) is None:
            return
        helm = self._helm(self._host)
        helm("delete", RELEASE, *space, "--ignore-not-found", "--wait", timeout=REMOVE)
        self._kubectl("delete", "namespace", self.namespace, "--wait", timeout=REMOVE)

    def state(self) -> str:
        """Return what a person looks at first when something is wrong."""
        space = ("--namespace", self.namespace)
        log = ("logs", self.pod, *space, "--container=syncer", "--tail=2000")
        parts = [("get", "pods", *space, "-o=wide"), log, (*log, "--previous")]
        return "\n".join(self._kubectl(*args, check=False).out for args in parts)

    def _installer(self) -> Path:
        """Make a user with `admin` in the namespace and what the values need; return its file."""
        assert self.profile.installer is not None
        rules = yaml.safe_load(self.profile.installer.read_text())
        meta = {"name": INSTALLER, "namespace": self.namespace}
        self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        subject = {**meta, "kind": "ServiceAccount"}
        self.api.create(
            *manifests.role(INSTALLER, rules, subject, self.namespace),
            manifests.binding("admin", self.namespace, "admin", (self.namespace, INSTALLER)),
        )
        request = ("create", "token", INSTALLER, "--namespace", self.namespace, "--duration=1h")
        token = self._kubectl(*request).out.strip()
        return self._write("installer", with_token(self._kubectl, token, self.namespace))

    def _connect(self) -> Path:
        text = self._kubectl(
            *("exec", self.pod, "-n", self.namespace, "-c", "syncer"),
            *("--", "cat", "/root/.kube/config"),
        ).out
        config = yaml.safe_load(text)
        service = self.api.get("Service", RELEASE, self.namespace)
        file = self._write("virtual", at_node(config, service, self._address))
        virt = Cluster(file)
        until(
            "the virtual API answers at the node's port",
            lambda: virt.get("Namespace", "default"),
            despite=(Unreachable, ApiError),
        )
        virt.close()
        return file

    def _write(self, name: str, config: dict[str, Any]) -> Path:
        return write(config, self._scratch / f"{self.profile.name}-{name}.kubeconfig")

    def _helm(self, kubeconfig: Path) -> Program:
        parts: Sequence[str] = ("CACHE", "CONFIG", "DATA")
        home = {f"HELM_{part}_HOME": str(self._scratch / part) for part in parts}
        return Program("helm", kubeconfig, home)
