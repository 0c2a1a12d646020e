"""What is asked about all pods together, kept up to date: nobody has to look through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import KeysView

from syncer import identity
from syncer.kube.objects import Obj, annotation, is_deleting, uid_of
from syncer.kube.store import Change, Store

TERMINAL = ("Succeeded", "Failed")


class PodIndex:
    """Which nodes have pods, of either side, which addresses the host's have, and who lives."""

    def __init__(self, virt: Store, host: Store) -> None:
        self._on: Counter[str] = Counter()
        self._ips: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self._hosted: set[str] = set()
        """Both: UIDs of virtual pods."""
        virt.listen(self._virtual)
        host.listen(self._host)

    def has_pods(self, node: str) -> bool:
        """Tell whether a pod of either side is on the node."""
        return node in self._on

    def ips(self) -> KeysView[str]:
        """Return the addresses of the host's pods: a view that follows."""
        return self._ips.keys()

    def wanted(self, uid: str) -> bool:
        """Tell whether the virtual pod of this UID is there, has not ended and is not to end."""
        return uid in self._wanted

    def lives(self, uid: str) -> bool:
        """Tell whether the virtual pod of this UID has a host pod, or may still get one."""
        return uid in self._wanted or uid in self._hosted

    def _virtual(self, change: Change) -> None:
        old, new, _ = change
        _move(self._on, _nodes(old), _nodes(new))
        if old is not None:
            self._wanted.discard(uid_of(old))
        if new is not None and not is_deleting(new) and phase_of(new) not in TERMINAL:
            self._wanted.add(uid_of(new))

    def _host(self, change: Change) -> None:
        old, new, _ = change
        _move(self._on, _nodes(old), _nodes(new))
        _move(self._ips, pod_ips(old), pod_ips(new))
        if old is not None:
            self._hosted.discard(annotation(old, identity.UID))
        if new is not None:
            self._hosted.add(annotation(new, identity.UID))


def phase_of(pod: Obj | None) -> str:
    """Return a pod's phase; empty while nobody has said any."""
    return str(((pod or {}).get("status") or {}).get("phase") or "")


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


def arrived(host_pod: Obj | None) -> bool:
    """Tell whether a host pod has come to what its tenant waits for: it is ready, ended, or gone.

    What it says on the way there can wait, and is told together with that.
    """
    if host_pod is None:
        return True
    status = host_pod.get("status") or {}
    return status.get("phase") in ("Succeeded", "Failed") or any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions") or ()
    )
