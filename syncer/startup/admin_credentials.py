"""The administrator that k3s made: by it we are known there, and users find it in file and Secret.

k3s renews its certificates when it starts within their last months, and its container may start
again while ours runs on. What was handed out before still opens the door then, until it ends:
whoever fetched it meanwhile would be locked out one day, and so would we. So the file of k3s is
looked at again and again.
"""

from __future__ import annotations

import asyncio

import structlog

from syncer.errors import ApiError, NotLeading, Unreachable
from syncer.identity import Identity
from syncer.kube.auth import NotReadable, VirtAccess, read_kubeconfig
from syncer.kube.client import Client
from syncer.settings import Settings
from syncer.startup import kubeconfig

log = structlog.get_logger()
LOOK = 10.0  # seconds: the old ones are good for weeks still


class Credentials:
    """Keeps `access` to the virtual API, and what users get, at what k3s wrote last."""

    def __init__(
        self, settings: Settings, ident: Identity, access: VirtAccess, virt: Client, host: Client
    ) -> None:
        self._settings = settings
        self._ident = ident
        self._access = access
        self._virt = virt
        self._host = host
        self._published = True

    async def hand_out(self) -> None:
        """Give users the administrator: as file, and as Secret unless another replica leads."""
        self.write()
        if self._host.may_write():
            await self.publish()

    def write(self) -> None:
        """Give the file to whoever is in our container."""
        settings, admin = self._settings, self._access.admin
        kubeconfig.write(admin, settings.api_port, self._ident.release, settings.kubeconfig_out)

    async def publish(self) -> None:
        """Give the Secret to whoever may read it on the host."""
        admin, port = self._access.admin, self._settings.api_port
        await kubeconfig.publish(self._host, self._ident, admin, port)

    async def follow(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Take over what k3s has written anew; tell the host, if need be at the next look."""
        try:
            admin = read_kubeconfig(self._settings.k3s_kubeconfig)
        except NotReadable:
            return  # it is being written
        if admin != self._access.admin:
            log.info("admin credentials renewed")
            self._access.renew(admin)
            self._virt.reconnect()
            self._published = False
        if self._published:
            return
        try:
            await self.hand_out()
        except (ApiError, Unreachable, NotLeading) as error:
            log.warning("kubeconfig update failed", error=str(error))
        else:
            self._published = True
