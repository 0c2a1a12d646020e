"""What the syncer writes inside: it comes back, whatever the tenant writes."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


async def _idle(*_: Any, **__: Any) -> None:
    return None


@guard("status-up", "sync.pods.reconciler.PodMirror._up", "H2-podip")
def status_up(patch: Patch) -> None:
    patch.attr("syncer.sync.pods.reconciler.PodMirror._up", _idle)


@guard("node-restore", "sync.nodes.Nodes._repair", "H1-port", "H1-hostname")
def node_restore(patch: Patch) -> None:
    patch.attr("syncer.sync.nodes.Nodes._repair", _idle)


@guard("api-endpoints", "sync.kubernetes_service.ApiService._endpoints", "E7-kubernetes-endpoints")
def api_endpoints(patch: Patch) -> None:
    patch.attr("syncer.sync.kubernetes_service.ApiService._endpoints", _idle)


@guard("wording", "sync.events.clean, sync.pods.reconciler.reworded", "I2-host-names")
def wording(patch: Patch) -> None:
    patch.attr("syncer.sync.events.clean", lambda text, *_: text)
    patch.attr("syncer.sync.pods.reconciler.reworded", lambda value, _words: value)
