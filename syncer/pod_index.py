"""What is asked about all pods together, kept up to date: nobody has to look through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import KeysView

from syncer.objects import Obj
from syncer.store import Store


class PodIndex:
    """Which nodes have pods, of either side, and which addresses the host's have."""

    def __init__(self, virt: Store, host: Store) -> None:
        self._on: Counter[str] = Counter()
        self._ips: Counter[str] = Counter()
        virt.listen(self._virtual)
        host.listen(self._host)

    def has_pods(self, node: str) -> bool:
        """Tell whether a pod of either side is on the node."""
        return node in self._on

    def ips(self) -> KeysView[str]:
        """Return the addresses of the host's pods: a view that follows."""
        return self._ips.keys()

    def _virtual(self, old: Obj | None, new: Obj | None, _backlog: bool) -> None:  # noqa: FBT001
        _move(self._on, _nodes(old), _nodes(new))

    def _host(self, old: Obj | None, new: Obj | None, backlog: bool) -> None:  # noqa: FBT001
        self._virtual(old, new, backlog)
        _move(self._ips, pod_ips(old), pod_ips(new))


def pod_ips(host_pod: Obj | None) -> set[str]:
    """Return the addresses that a host pod has, as the host reports them."""
    status = (host_pod or {}).get("status") or {}
    return {each["ip"] for each in status.get("podIPs") or ()}


def _nodes(pod: Obj | None) -> set[str]:
    node = pod["spec"].get("nodeName") if pod is not None else None
    return {node} if node else set()


def _move(counts: Counter[str], old: set[str], new: set[str]) -> None:
    for each in new - old:
        counts[each] += 1
    for each in old - new:
        counts[each] -= 1
        if not counts[each]:
            del counts[each]
