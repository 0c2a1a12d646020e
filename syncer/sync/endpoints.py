"""Endpoints and EndpointSlices made by hand: they need a Service and the pods' addresses.

Which reach the host is in kinds.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncer.kube.objects import Key, ref_of
from syncer.kube.store import Change
from syncer.state.pod_index import pod_ips
from syncer.sync.common_watches import twin_key
from syncer.sync.generic import Mirror
from syncer.sync.watches import Request, Watch


class EndpointsMirror(Mirror):
    """Reconciles either kind by the common rules."""

    def watches(self) -> Iterator[Watch]:
        """Yield the common ones, and what comes and goes that hand-made addresses need."""
        yield from super().watches()
        world = self.world
        yield Watch(world.virt["services"], self._service_changed, "a Service without selector")
        yield Watch(world.host["pods"], self._pod_changed, "a pod's addresses changed")

    def _service_changed(self, change: Change) -> Iterator[Request]:
        both = (change.old, change.new)
        if any(each is not None and not each["spec"].get("selector") for each in both):
            yield from self._all()

    def _pod_changed(self, change: Change) -> Iterator[Request]:
        is_twin = twin_key("pods", change) is not None
        if is_twin and pod_ips(change.old) != pod_ips(change.new):
            yield from self._all()

    def _all(self) -> Iterator[Request]:
        for virt in self.world.virt[self.kind]:
            key = Key(self.kind, *ref_of(virt))
            if self.row.wanted(key, virt, self.world) or self.world.host_object(key):
                yield Request(key, backlog=True)
