"""Makes one of several syncers of a virtual cluster its leader, by a Lease in the host namespace.

Only the leader writes. `holds` says at any moment whether we are it, and is asked by both clients
before each write (kube/client.py), so that a process that was stopped for a minute writes nothing
when it goes on, whatever it was about to do. Who loses the Lease ends: no state of a leader is
carried into another term, and what a process has under way ends with it.

The name of the holder is that of a pod and its UID, not of a process: a container that is started
again follows itself, since its kubelet never runs two at once, and need not wait for its own Lease
to run out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from syncer.errors import ApiError, Conflict, LostLease, NotFound, Unreachable
from syncer.identity import Identity
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import LEASES
from syncer.leader import lease
from syncer.leader.lease import Seen, Timing
from syncer.owned_objects import made

log = structlog.get_logger()
JITTER = 0.1  # of the pause between two looks: several candidates do not ask at one moment for ever
RELEASE = 2.0  # seconds: a host that does not answer must not hold up the end


def boot_clock() -> float:
    """Return seconds that only grow, those included in which the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leader:
    """Our part in the election. `host` is a client of its own: no other request may hold it up."""

    def __init__(
        self,
        host: Client,
        ident: Identity,
        me: str,
        *,
        clock: Callable[[], float] = boot_clock,
        timing: Timing | None = None,
    ) -> None:
        self.me = me
        self._host = host
        self._ident = ident
        self._name = lease.name(ident.release)
        self._clock = clock
        self._timing = timing or Timing()
        self._seen: Seen | None = None
        self._until = float("-inf")

    def holds(self) -> bool:
        """Tell whether we lead, and have made sure of it within the deadline."""
        return self._clock() < self._until

    async def acquire(self, unfit: Callable[[], str]) -> None:
        """Return once we lead; we do not ask for it while `unfit` gives a reason against it."""
        told = ""
        while True:
            if not unfit():
                try:
                    async with asyncio.timeout(self._timing.deadline):
                        if await self._try():
                            log.info("leadership acquired", identity=self.me)
                            return
                except Conflict:
                    pass  # somebody was faster: the next look tells who
                except (ApiError, Unreachable, TimeoutError) as error:
                    log.warning("leader unknown", error=str(error))
                holder = self.holder
                if holder != told:
                    log.info("standby", leader=holder)
                    told = holder
            await asyncio.sleep(self._pause())

    async def keep(self, unfit: Callable[[], str]) -> None:
        """Renew the Lease for ever; raises LostLease as soon as we lead no longer, or should not.

        What has become unfit ends, rather than being nobody's leader: another replica may be well.
        """
        while True:
            await asyncio.sleep(min(self._timing.retry, max(0.0, self._until - self._clock())))
            if reason := unfit():
                raise LostLease(f"another replica may do better: {reason}")
            await self._renew()

    async def release(self) -> None:
        """Give the Lease back, if it is ours, once nothing is written any more."""
        held, self._until = self.holds(), float("-inf")
        if not held:
            return
        try:
            async with asyncio.timeout(RELEASE):
                # As it is now: the end may have cut off a renewal that the host had made already.
                found = await self._host.get(LEASES, self._ident.host_namespace, self._name)
                if found["spec"].get("holderIdentity") != self.me:
                    return
                content = lease.released(found["spec"], _stamp())
                await self._host.update(LEASES, {**found, "spec": content})
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("lease release failed", error=str(error))
        else:
            log.info("lease released")

    @property
    def holder(self) -> str:
        """Who led when we last looked; empty for nobody."""
        return (self._seen.lease["spec"].get("holderIdentity") or "") if self._seen else ""

    async def _renew(self) -> None:
        left = self._until - self._clock()
        if left <= 0:
            raise LostLease("the lease could not be renewed in time")
        try:
            async with asyncio.timeout(left):
                ours = await self._try()
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("lease renewal failed", error=str(error))
            return
        if not ours:
            raise LostLease(f"{self.holder} leads now")

    async def _try(self) -> bool:
        """Look at the Lease, and make or keep it ours where that may be; tell whether it is."""
        # Before anything is asked: an answer says nothing about the time that it took to come.
        asked = self._clock()
        try:
            found = await self._host.get(LEASES, self._ident.host_namespace, self._name)
        except NotFound:
            self._seen = None
        else:
            self._seen = lease.see(self._seen, found, self._clock())
        verdict = lease.decide(self._seen, self.me, self._clock(), self._timing)
        if verdict == "wait":
            return False
        written = await self._write(lease.spec(self._seen, self.me, _stamp(), self._timing))
        self._seen = lease.see(self._seen, written, self._clock())
        self._until = asked + self._timing.deadline
        return True

    async def _write(self, content: Obj) -> Obj:
        ident = self._ident
        if self._seen is not None:
            return await self._host.update(LEASES, {**self._seen.lease, "spec": content})
        whole = made(ident, LEASES, self._name, {"spec": content})
        return await self._host.create(LEASES, ident.host_namespace, whole)

    def _pause(self) -> float:
        return self._timing.retry * (1.0 + JITTER * random.random())  # noqa: S311


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
