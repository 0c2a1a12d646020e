"""The chart's own objects and command lines: what Helm would make on the host, without its pod."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from lab.pki import Pki
from tests.e2e.cluster import Cluster, Obj
from tests.e2e.release import Release, Side
from tests.e2e.shell import Program

RELEASE, NAMESPACE = "vc", "team-x"
# Its processes are started by the run itself.
LEFT_OUT = ("StatefulSet", "PersistentVolumeClaim")
KUBELET_NAME = "kubelet.virtualcluster.internal"


class Chart:
    """One release, rendered and applied."""

    def __init__(self, host: Cluster, scratch: Path, values: Obj | None = None) -> None:
        self.host = host
        side = Side(host, Program("kubectl", host.kubeconfig))
        release = Release(side, RELEASE, NAMESPACE, scratch)
        rendered = yaml.safe_load_all(release.template(values))
        self.objects: list[Obj] = [each for each in rendered if each]
        (plane,) = (each for each in self.objects if each["kind"] == "StatefulSet")
        pod = plane["spec"]["template"]["spec"]
        containers = [*pod["initContainers"], *pod["containers"]]
        self.args = {each["name"]: [str(arg) for arg in each["args"]] for each in containers}

    def apply(self) -> None:
        """Make the objects."""
        self.host.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for obj in self.objects:
            if obj["kind"] not in LEFT_OUT:
                self.host.create(obj)

    def discovered(self) -> Obj:
        """Return what the init container found out."""
        data: Obj = self.host.get("ConfigMap", f"{RELEASE}-discovered", NAMESPACE)["data"]
        return data

    def token(self, seconds: int = 24 * 3600, *, bound_to: str = "") -> str:
        """Return a token of the syncer's account, which ends with the Secret it is bound to."""
        spec: Obj = {"expirationSeconds": seconds, "audiences": []}
        if bound_to:
            uid = self.host.get("Secret", bound_to, NAMESPACE)["metadata"]["uid"]
            reference = {"apiVersion": "v1", "kind": "Secret", "name": bound_to, "uid": uid}
            spec["boundObjectRef"] = reference
        path = f"{self.host.path('ServiceAccount', NAMESPACE, RELEASE)}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str(self.host.json("POST", path, request)["status"]["token"])


def through(kubeconfig: Path, server: str, authority: bytes) -> str:
    """Return a kubeconfig of k3s' that leads to another server: the proxy before it."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    cluster["server"] = server
    cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    return yaml.safe_dump(config, sort_keys=False)


def service_account(directory: Path, pki: Pki, token: str) -> None:
    """Write what the kubelet mounts into the syncer's container."""
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / "ca.crt", pki.path("ca.crt").read_text())
    write(directory / "token", token)
    write(directory / "namespace", NAMESPACE)


def write(path: Path, text: str) -> None:
    """Write a file as the kubelet does: whoever reads it sees the old one or the new one whole."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text)
    half.rename(path)
