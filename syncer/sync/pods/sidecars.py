"""Sidecar containers, on hosts that may not know them.

An API server drops fields that it does not know. Nearly always the pod then runs with less than was
asked for; an init container without its `restartPolicy: Always` (KEP-753; served from 1.28 on) is
waited for instead, and a sidecar never ends, so that the pod would hang for ever and say nothing.
"""

from __future__ import annotations

from syncer.errors import Refused
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import PODS


class Sidecars:
    """Whether the host knows them: asked by a dry run, of hosts that have not shown it yet."""

    def __init__(self, host: Client) -> None:
        self._host = host
        self._known = False

    async def require(self, host_pod: Obj) -> None:
        """Raise Refused for a pod with sidecars if the host would drop what makes them such.

        A host that does not know them is asked again with the next such pod: it may be upgraded.
        """
        named = _named(host_pod)
        if self._known or not named:
            return
        namespace = host_pod["metadata"]["namespace"]
        answer = await self._host.create(PODS, namespace, host_pod, dry_run=True)
        if _named(answer) >= named:
            self._known = True
            return
        raise Refused(
            "SidecarsUnknown",
            f"the host's Kubernetes knows no sidecar containers: it would drop restartPolicy of"
            f" {', '.join(sorted(named))} and wait for them to end, so that the pod would never"
            " start; make them ordinary containers, or have the host upgraded (1.29 or later)",
        )


def _named(pod: Obj) -> set[str]:
    """Return the names of the init containers that say when they are restarted."""
    return {
        each["name"]
        for each in pod["spec"].get("initContainers") or ()
        if each.get("restartPolicy")
    }
