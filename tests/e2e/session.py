"""What one run of the tests shares: its host, its namespaces, its releases, its figures."""

from __future__ import annotations

import base64
import json
import os
import secrets
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.e2e import kubeconfig, manifests
from tests.e2e.audit import AuditLog
from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.e2e.pods import new_namespace, wait_account
from tests.e2e.release import Release, Side, Virtual

RESULTS = Path(__file__).parents[2] / "build" / "e2e"
BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}


class User(NamedTuple):
    """Somebody who may do little: a ServiceAccount with a kubeconfig."""

    account: tuple[str, str]
    kubeconfig: Path


@dataclass
class Timings:
    """How long `helm install` took until CoreDNS was ready, of installs done alone."""

    seconds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def median(self) -> float:
        """Return the median."""
        return statistics.median(self.seconds)

    def write(self) -> None:
        """Write the figures where CI finds them."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        figures: Obj = {"install_to_coredns_seconds": [round(each, 2) for each in self.seconds]}
        if self.seconds:
            figures["median_seconds"] = round(self.median(), 2)
        figures["notes"] = self.notes
        figures["k3s"] = os.environ.get("VC_E2E_K3S", "")
        (RESULTS / "timing.json").write_text(json.dumps(figures, indent=1) + "\n")


class Session:
    """One run. Its names are its own, so that two runs on one host never meet."""

    def __init__(self, host: Path, scratch: Path) -> None:
        self.host = Side.of(host)
        self.scratch = scratch
        self.prefix = f"e2e-{secrets.token_hex(2)}"
        self.timings = Timings()
        self.releases: list[Release] = []
        self.connected: dict[tuple[str, str], Virtual] = {}
        self.rests = False
        """Whether the rest of the shared installation is being watched, so that nobody uses it."""
        self._namespaces: list[str] = []
        audit = host.parent / "audit.log"
        self.audit = AuditLog(audit) if audit.exists() else None

    def namespace(self, purpose: str, labels: dict[str, str] | None = None) -> str:
        """Create a host namespace that ends with the session."""
        name = self.reserve(purpose)
        return new_namespace(self.host, name, **(labels or {}))

    def reserve(self, purpose: str) -> str:
        """Return the name of a host namespace that somebody else creates; it ends likewise."""
        name = f"{self.prefix}-{purpose}"
        self._namespaces.append(name)
        return name

    def release(self, name: str, namespace: str) -> Release:
        """Return a release that is not installed yet."""
        release = Release(self.host, name, namespace, self.scratch)
        self.releases.append(release)
        return release

    def install(
        self, release: Release, values: Obj | None = None, *extra: str, repository: str = ""
    ) -> float:
        """Install it alone on the machine, and add to the timings; return the seconds it took."""
        begin = time.monotonic()
        release.install(values, *extra, repository=repository)
        took = release.wait_coredns() - begin
        self.timings.seconds.append(took)
        return took

    def connect(self, release: Release) -> Virtual:
        """Return the inside of an installed release."""
        virt = release.connect()
        self.connected[release.namespace, release.name] = virt
        return virt

    def uninstall(self, release: Release) -> None:
        """Delete a release."""
        release.uninstall()
        self.releases.remove(release)
        virt = self.connected.pop((release.namespace, release.name), None)
        if virt is not None:
            virt.api.close()

    def user(self, namespace: str, name: str, cluster_role: str, within: str) -> User:
        """Make a user who has a ClusterRole's rights within one namespace, and none beyond."""
        account: Obj = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": manifests.meta(name, namespace),
        }
        self.host.api.create(
            account, manifests.binding(name, within, cluster_role, (namespace, name))
        )
        wait_account(self.host, namespace, name)
        return User((namespace, name), self.bearer(self._token(namespace, name), within))

    def bearer(self, token: str, namespace: str) -> Path:
        """Return a kubeconfig of the host for whoever a token speaks for."""
        config = kubeconfig.with_token(self.host.kubectl, token, namespace)
        return kubeconfig.write(config, self.scratch / f"bearer-{secrets.token_hex(4)}.kubeconfig")

    def host_knows_nobody_by(self, token: str) -> bool:
        """Tell whether the host takes a token for nobody's, whatever that one may do."""
        api = Cluster(self.bearer(token, "default"))
        try:
            for path in ("/api", "/api/v1/namespaces/default/pods"):
                try:
                    api.request("GET", path)
                except ApiError as error:
                    if error.status == 401:
                        continue
                return False
            return True
        finally:
            api.close()

    def close(self, *, keep: bool) -> None:
        """Delete the namespaces without waiting, unless somebody wants to look at them."""
        for release in self.releases:
            if release.forward is not None:
                release.forward.close()
        for virt in self.connected.values():
            virt.api.close()
        if not keep:
            for release in self.releases:
                # No namespace takes these along when a test failed before it deleted its release.
                for kind in ("ClusterRole", "ClusterRoleBinding"):
                    self.host.api.delete(kind, f"virtualcluster:{release.namespace}:{release.name}")
            for name in self._namespaces:
                self.host.api.delete("Namespace", name)
        self.host.api.close()

    def live(self) -> Iterator[tuple[Release, Virtual | None]]:
        """Yield the releases with their insides, where connected."""
        for release in self.releases:
            yield release, self.connected.get((release.namespace, release.name))

    def _token(self, namespace: str, name: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request: Obj = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": 4 * 3600},
        }
        try:
            return str(self.host.api.json("POST", path, request)["status"]["token"])
        except ApiError as error:
            if error.status != 404:
                raise
            return self._kept_token(namespace, name)

    def _kept_token(self, namespace: str, name: str) -> str:
        """Return the token that a host without TokenRequest keeps in a Secret of the account."""
        account = self.host.api.get("ServiceAccount", name, namespace)
        secret = self.host.api.get("Secret", account["secrets"][0]["name"], namespace)
        return base64.b64decode(secret["data"]["token"]).decode()


def claims_of(token: str) -> Obj:
    """Return what a service account token says, unverified."""
    body = token.split(".")[1]
    claims: Obj = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims
