"""Rows H1, A9: nodes and bindings that the tenant rewrites."""

from __future__ import annotations

from typing import Any

from tests.e2e.cluster import ApiError, Obj
from tests.e2e.waiting import Pending, until
from tests.escapes.probing import PROBES, SPACE, Named, Probe, Probing, probe

RESTORED = 10.0  # seconds; it takes a fraction of one

PATCHES: dict[str, tuple[str, Obj, Any]] = {
    "H1-port": (
        "another kubelet's port",
        {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}},
        lambda node: node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"],
    ),
    "H1-hostname": (
        "another kubelet's name",
        {"status": {"addresses": [{"type": "Hostname", "address": "metadata.example.com"}]}},
        lambda node: sorted(map(str, node["status"]["addresses"])),
    ),
    "H1-address": (
        "another kubelet's address",
        {"status": {"addresses": [{"type": "InternalIP", "address": "169.254.169.254"}]}},
        lambda node: sorted(map(str, node["status"]["addresses"])),
    ),
    "H1-external": (
        "an external address",
        {"status": {"addresses": [{"type": "ExternalIP", "address": "10.96.0.1"}]}},
        lambda node: sorted(map(str, node["status"]["addresses"])),
    ),
}


def _rewritten(patch: Obj, look: Any) -> Probe:
    def probe_node(probing: Probing) -> str:
        virt, name = probing.place.virt.api, probing.facts["node"]
        before = look(virt.get("Node", name))
        virt.patch("Node", name, "", patch, sub="status")

        def restored() -> bool:
            now = look(virt.get("Node", name))
            if now != before:
                raise Pending(f"{now}, was {before}")
            return True

        try:
            until("the node says what it said", restored, RESTORED)
        except AssertionError as error:
            return str(error)
        answer = probing.wire.ask(probing.own_logs())
        return "" if answer.status == 200 else f"logs afterwards: {answer}"

    return probe_node


PROBES += [
    Named(name, tries, _rewritten(patch, look)) for name, (tries, patch, look) in PATCHES.items()
]


@probe("H1-label", "its own label on a node stays inside")
def label(probing: Probing) -> str:
    virt, host, name = probing.place.virt.api, probing.place.release.host.api, probing.facts["node"]
    key = probing.named("escapes.test/mine")
    virt.patch("Node", name, "", {"metadata": {"labels": {key: "1"}}})
    until("the label stays", lambda: key in virt.get("Node", name)["metadata"]["labels"], 10)
    return "the host's node has it" if key in str(host.get("Node", name)) else ""


@probe("H1-delete", "a node deleted inside")
def delete(probing: Probing) -> str:
    virt, host, name = probing.place.virt.api, probing.place.release.host.api, probing.facts["node"]
    before = host.get("Node", name)["metadata"]["uid"]
    virt.delete("Node", name)
    until("the node comes back", lambda: virt.find("Node", name), 30)
    return (
        "" if host.get("Node", name)["metadata"]["uid"] == before else "the host's node is another"
    )


@probe("A9-binding", "binds its pod to a node itself")
def binding(probing: Probing) -> str:
    made = probing.tenant.send(probing.pod("a9-binding"))
    meta, virt = made["metadata"], probing.place.virt.api
    twin = until("its twin is there", lambda: probing.place.snapshot().twins.get(meta["uid"]))
    bind = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": meta["name"], "namespace": SPACE},
        "target": {"apiVersion": "v1", "kind": "Node", "name": probing.facts["node"]},
    }
    try:
        virt.json("POST", f"{virt.path('Pod', SPACE, meta['name'])}/binding", bind)
    except ApiError as error:
        return f"the virtual API does not take it: {error}"
    host = probing.place.release.host.api
    virt.patch("Pod", meta["name"], SPACE, {"metadata": {"labels": {"canary": "1"}}})
    until(
        "later acts are through",
        lambda: "canary" in str(virt.get("Pod", meta["name"], SPACE)["metadata"]["labels"]),
    )
    now = host.get("Pod", twin["metadata"]["name"], probing.facts["host"])
    probing.tenant.forget(made)
    return f"runs on {now['spec']['nodeName']}" if now["spec"].get("nodeName") else ""
