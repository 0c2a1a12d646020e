"""What the syncer writes inside: it comes back, whatever the tenant writes."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


async def _idle(*_: Any, **__: Any) -> None:
    return None


@guard("status-up", "pods.PodMirror._up", "H2-podip")
def status_up(patch: Patch) -> None:
    patch.attr("syncer.pods.PodMirror._up", _idle)


@guard("node-restore", "nodes.Nodes._repair", "H1-port", "H1-hostname")
def node_restore(patch: Patch) -> None:
    patch.attr("syncer.nodes.Nodes._repair", _idle)


@guard("api-endpoints", "apiservice.ApiService._endpoints", "E7-kubernetes-endpoints")
def api_endpoints(patch: Patch) -> None:
    patch.attr("syncer.apiservice.ApiService._endpoints", _idle)


@guard("wording", "events.clean, pods.reworded", "I2-host-names")
def wording(patch: Patch) -> None:
    patch.attr("syncer.events.clean", lambda text, *_: text)
    patch.attr("syncer.pods.reworded", lambda value, _words: value)
