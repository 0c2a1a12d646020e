"""Services: both sides must agree on the ClusterIP and the nodePorts.

The host is asked for what the virtual API gave. Where it has that address already, the virtual
Service takes the host's (cluster_ip.py).
"""

from __future__ import annotations

import structlog

from syncer.errors import BadRequest, Conflict, Refused
from syncer.kube.api_answers import (
    is_about_cluster_ip,
    is_about_node_port,
    is_already_allocated,
)
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, is_deleting
from syncer.kube.resources import SERVICES
from syncer.state.cluster import World
from syncer.sync.cluster_ip import RESTORE, bare_ports, finish_move, move
from syncer.sync.generic import Mirror
from syncer.sync.kinds import Kind
from syncer.sync.remark import Remark

log = structlog.get_logger()
PATIENCE = 8
"""The host frees the address of a deleted Service a moment after the deletion; with the queue's
backoff these are 13 s. Taking another at once would change it under running pods."""


class NotReleased(Conflict):
    """Our own deleted twin is not gone yet, or its address is not free again."""

    def __init__(self, error: BadRequest) -> None:
        super().__init__(error.status, error.reason, error.message)
        self.side = error.side


class ServiceMirror(Mirror):
    """Reconciles services; see the module's text."""

    def __init__(self, row: Kind, world: World, virt: Client, host: Client) -> None:
        super().__init__(row, world, virt, host)
        self._patience: dict[Key, int] = {}
        """For services that had a twin: how often its address is asked for again."""

    async def reconcile(self, key: Key) -> Remark | None:
        """Finish a move that a restart interrupted, then follow the common rules."""
        if (key.namespace, key.name) == ("default", "kubernetes"):
            return None  # kubernetes_service.py's, and an object has one writer
        virt_obj = self.world.virt_object(key)
        if virt_obj is None:
            self._patience.pop(key, None)
        elif self.world.host_object(key) is not None:
            self._patience[key] = PATIENCE
        if virt_obj is not None and annotation(virt_obj, RESTORE):
            await self._written(key, await finish_move(self.virt, virt_obj))
            return None
        return await super().reconcile(key)

    async def create(self, key: Key, obj: Obj) -> Obj:
        """Create the twin with the wanted address and ports, or with those that the host gives."""
        attempts = [obj]
        if obj["spec"].get("clusterIP") not in (None, "None"):
            attempts.append(_without_ip(obj))
        if any(port.get("nodePort") for port in obj["spec"].get("ports") or ()):
            attempts += [_without_node_ports(each) for each in attempts]
        for attempt in attempts[:-1]:
            try:
                return await self._created(key, attempt)
            except BadRequest as error:
                if not (is_about_cluster_ip(error) or is_about_node_port(error)):
                    raise
                if self._patience.get(key, 0) > 0 and is_already_allocated(error):
                    self._patience[key] -= 1
                    raise NotReleased(error) from error
        return await self._created(key, attempts[-1])

    async def update(self, host_obj: Obj, patch: Obj) -> Obj:
        """Change the twin; what the host cannot change in place is made anew.

        A node port that somebody else has there: the twin keeps its own, or is given one.
        """
        spec = patch.get("spec") or {}
        try:
            return await super().update(host_obj, patch)
        except BadRequest as error:
            if "clusterIP" in spec:  # from or to headless, by way of a type without an address
                await self.host.delete(SERVICES, host_obj)
                raise NotReleased(error) from error
            if not is_about_node_port(error) or not spec.get("ports"):
                raise
        return await super().update(host_obj, _without_node_ports(patch))

    async def _created(self, key: Key, obj: Obj) -> Obj:
        created = await super().create(key, obj)
        self._patience[key] = PATIENCE
        return created

    async def status_up(self, key: Key, virt_obj: Obj, host_obj: Obj) -> None:
        """Bring back the status, and the address and ports where the host's differ."""
        await super().status_up(key, virt_obj, host_obj)
        if is_deleting(virt_obj):
            return
        ip, host_ip = virt_obj["spec"].get("clusterIP"), host_obj["spec"].get("clusterIP")
        if ip != host_ip and "None" not in (ip, host_ip) and host_ip:
            log.info("moving", virt_namespace=key.namespace, virt_name=key.name, host_ip=host_ip)
            await self._written(key, await move(self.virt, virt_obj, host_ip))
            return
        ports = _with_host_node_ports(virt_obj, host_obj)
        if ports != virt_obj["spec"].get("ports"):
            try:
                answer = await self.virt.patch(SERVICES, virt_obj, {"spec": {"ports": ports}})
            except BadRequest as error:
                raise Refused(
                    "NodePortDiffers",
                    "the host has another node port for this service, since its own is taken there,"
                    f" and the virtual API does not take the host's: {error.message}",
                ) from error
            await self._written(key, answer)

    async def _written(self, key: Key, virt_obj: Obj) -> None:
        self.world.virt[key.kind].put_written(virt_obj)


def _without_ip(obj: Obj) -> Obj:
    return {**obj, "spec": {k: v for k, v in obj["spec"].items() if k != "clusterIP"}}


def _without_node_ports(obj: Obj) -> Obj:
    return {**obj, "spec": {**obj["spec"], "ports": bare_ports(obj["spec"]["ports"])}}


def _with_host_node_ports(virt_obj: Obj, host_obj: Obj) -> list[Obj] | None:
    theirs = {
        (port["port"], port.get("protocol", "TCP")): port.get("nodePort")
        for port in host_obj["spec"].get("ports") or ()
    }
    ports: list[Obj] | None = virt_obj["spec"].get("ports")
    if ports is None:
        return None
    return [
        {**port, "nodePort": theirs[port["port"], port.get("protocol", "TCP")]}
        if port.get("nodePort") and theirs.get((port["port"], port.get("protocol", "TCP")))
        else port
        for port in ports
    ]
