"""What the platform itself is: the control plane's pod, its arguments, its policies."""

from __future__ import annotations

import ipaddress
from typing import Any

import yaml

from tests.e2e.cluster import Obj
from tests.e2e.waiting import until
from tests.escapes.probing import PROBES, Named, Probe, Probing, probe

FLOOD = 100_000  # objects of a kind: threats J1


def _plane(probing: Probing) -> Obj:
    release = probing.place.release
    found: Obj = release.host.api.get("Pod", release.pod, release.namespace)
    return found


def _container(pod: Obj, name: str) -> Obj:
    found: Obj = next(each for each in pod["spec"]["containers"] if each["name"] == name)
    return found


@probe("B1-token-of-k3s", "k3s, which serves the tenant, holds no token of the host's")
def token_of_k3s(probing: Probing) -> str:
    pod = _plane(probing)
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    mounts = {
        name: [m["mountPath"] for m in _container(pod, name)["volumeMounts"]]
        for name in ("virtual-cluster", "syncer")
    }
    if pod["spec"].get("automountServiceAccountToken") is not False:
        return "the pod mounts a token of its own accord"
    if token not in mounts["syncer"]:
        return "the syncer has none either: the case proves nothing"
    return "k3s has the token" if token in mounts["virtual-cluster"] else ""


@probe("A1-bundled", "k3s' own add-ons that need the node are off")
def bundled(probing: Probing) -> str:
    text = str(_container(_plane(probing), "virtual-cluster"))
    wanted = (
        "traefik",
        "servicelb",
        "metrics-server",
        "local-storage",
        "--disable-agent",
        "--disable-helm-controller",
    )
    lacking = [each for each in wanted if each not in text]
    return f"not among k3s' arguments: {lacking}" if lacking else ""


@probe("H4-controllers", "the controllers that dial storage are off")
def controllers(probing: Probing) -> str:
    text = str(_container(_plane(probing), "virtual-cluster"))
    wanted = ("-persistentvolume-binder", "-attachdetach", "-persistentvolume-expander")
    lacking = [each for each in wanted if each not in text]
    return f"not among k3s' arguments: {lacking}" if lacking else ""


@probe("H3-profiling", "k3s' profiling is off")
def profiling(probing: Probing) -> str:
    answer = probing.wire.ask("/debug/pprof/")
    text = str(_container(_plane(probing), "virtual-cluster"))
    return (
        ""
        if not answer.opened or "--profiling=false" in text
        else f"/debug/pprof/: {answer.status}"
    )


@probe("H6-supervisor", "a k3s agent that joins without a token")
def supervisor(probing: Probing) -> str:
    for path in ("/v1-k3s/server-bootstrap", "/v1-k3s/connect", "/v1-k3s/config", "/v1-k3s/readyz"):
        answer = probing.wire.ask(path, anonymous=True)
        if answer.opened:
            return f"{path}: {answer}"
    ping = probing.wire.ask("/ping", anonymous=True)
    return "" if ping.status == 200 else f"not even /ping: {ping}"


@probe("H6-helmchart", "a HelmChart of the tenant's")
def helmchart(probing: Probing) -> str:
    text = str(_container(_plane(probing), "virtual-cluster"))
    if "--disable-helm-controller" not in text:
        return "the Helm controller is on"
    names = [each["metadata"]["name"] for each in probing.place.release.host_pods()]
    return f"{names}" if any("helm-install" in name for name in names) else ""


@probe("H6-san", "a name that the tenant puts into k3s' certificate")
def san(probing: Probing) -> str:
    text = str(_container(_plane(probing), "virtual-cluster"))
    return "SAN security is off" if "--tls-san-security=false" in text else ""


def allows(policies: list[Obj], address: str, port: int) -> bool:
    """Tell whether policies of one pod let it send there."""
    ip = ipaddress.ip_address(address)
    for rule in (rule for each in policies for rule in each["spec"].get("egress") or ()):
        ports = [each.get("port") for each in rule.get("ports") or ()]
        if ports and port not in ports:
            continue
        if not rule.get("to"):
            return True
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            network = ipaddress.ip_network(block["cidr"])
            if network.version != ip.version or ip not in network:
                continue
            if not any(ip in ipaddress.ip_network(each) for each in block.get("except") or ()):
                return True
    return False


def _policies(probing: Probing, part: str) -> list[Obj]:
    found = probing.place.release.host.api.all("NetworkPolicy", probing.facts["host"])
    return [each for each in found if part in each["metadata"]["name"]]


def _denies(part: str, address: str, port: int) -> Probe:
    def probe_policy(probing: Probing) -> str:
        policies = _policies(probing, part)
        if not policies or not all("Egress" in each["spec"]["policyTypes"] for each in policies):
            return "there is no policy about what it may send"
        there = probing.facts.get(address, address)
        return f"{there}:{port} is open" if allows(policies, there, port) else ""

    return probe_policy


TARGETS: dict[str, tuple[str, int]] = {
    "imds": ("169.254.169.254", 80),
    "kubelet": ("nodeip", 10250),
    "etcd": ("nodeip", 2379),
    "pods": ("10.244.9.9", 8080),
}
PROBES += [
    Named(
        f"{row}-dial-{name}",
        "what the control plane may dial (its policy; the lab's network enforces none)",
        _denies("control-plane", *target),
    )
    for row, names in (("H1", ("kubelet",)), ("H2", ("pods",)), ("H3", ("imds", "etcd")))
    for name in names
    for target in (TARGETS[name],)
]


@probe("E6-default", "sends to the cloud's metadata, with the chart's own values")
def policies_by_default(probing: Probing) -> str:
    rendered = yaml.safe_load_all(probing.place.release.template())
    policies = [
        each
        for each in rendered
        if each["kind"] == "NetworkPolicy"
        and "virtualcluster.dev/managed-by" in each["spec"]["podSelector"]["matchLabels"]
        and "Egress" in each["spec"]["policyTypes"]
    ]
    if not policies:
        return "there is no policy about what workloads may send"
    addresses = ("169.254.169.254", "fd00:ec2::254")
    reached = [each for each in addresses if allows(policies, each, 80)]
    return f"open: {reached}" if reached else ""


@probe("J1-default", "100,000 objects of a kind, with the chart's own values")
def bound_by_default(probing: Probing) -> str:
    """ResourceQuotas are not the chart's to make: who may administer a namespace may not."""
    rendered = yaml.safe_load_all(probing.place.release.template())
    (made,) = (each for each in rendered if each["kind"] == "StatefulSet")
    args = _container(made["spec"]["template"], "syncer")["args"]
    most = [int(each.partition("=")[2]) for each in args if each.startswith("--max-objects=")]
    return "" if most and 0 < most[0] < FLOOD else f"the host takes {most or 'any number'}"


@probe("E1-default", "LoadBalancers and node ports of a release with the chart's own values")
def exposure_by_default(probing: Probing) -> str:
    made = {
        "kind": "Service",
        "metadata": {"name": probing.named("e1-default"), "namespace": "kube-system"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "x"}},
    }
    sent = probing.tenant.send(made)
    twin: Any = until(
        "its twin is there", lambda: probing.place.snapshot().twins.get(sent["metadata"]["uid"])
    )
    probing.tenant.forget(sent)
    return "a NodePort opens every node's port" if twin["spec"]["type"] == "NodePort" else ""
