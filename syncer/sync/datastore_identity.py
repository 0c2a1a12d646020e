"""Whether the virtual API serves the datastore that the host's objects come from.

Its kube-system namespace has a UID of its own, which is noted on the anchor. An empty or exchanged
datastore must never look like "the tenant deleted everything".
"""

from __future__ import annotations

from syncer.errors import OtherCluster
from syncer.identity import DNS_SERVICE, RESERVED, UID, tenant_key, virtual_key
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation
from syncer.kube.resources import CONFIGMAPS, NAMESPACES
from syncer.state import deletion_brake
from syncer.state.cluster import World
from syncer.sync.kinds import NEEDED_BY_PODS
from syncer.sync.watches import Reconciler, Watch

ANCHOR_KEY = Key("anchor", "", "")


class DatastoreIdentity(Reconciler):
    """Recognises the datastore, and finds what on the host it does not explain."""

    kind = ANCHOR_KEY.kind

    def __init__(self, world: World, virt: Client, host: Client) -> None:
        self._world = world
        self._virt = virt
        self._host = host
        self.virt_uid = ""
        self._exchanged = self._foreign = ""
        self.decided = False
        """The operator has said before this start that orphans may go."""
        self.kept: dict[Key, str] = {}
        """What was held, and why, before this start."""
        self.restored = False
        """The datastore is a restored one, and what is newer on the host may still be there."""

    @property
    def strange(self) -> str:
        """Why the datastore is not the one whose objects the host has; empty when it is."""
        return self._exchanged or self._foreign

    def mismatch(self) -> bool:
        """Tell whether the datastore is another than that which the host objects come from."""
        return bool(self.strange)

    async def check_cluster(self) -> None:
        """Raise OtherCluster unless the virtual API serves the cluster that it served at start.

        An empty or exchanged datastore must never look like "the tenant deleted everything".
        """
        system = await self._virt.get(NAMESPACES, "", "kube-system")
        uid = system["metadata"]["uid"]
        if not self.virt_uid:
            self.virt_uid = uid
        elif uid != self.virt_uid:
            self._exchanged = (
                "the virtual cluster's datastore was exchanged: restart the pods of"
                f" {self._world.ident.release} to have it looked at"
            )
            raise OtherCluster(self._exchanged)
        self._exchanged = ""

    async def recognise(self, *, accept: bool) -> bool:
        """Tell whether the host objects come from this datastore; note it on the anchor if so."""
        await self.check_cluster()
        ident = self._world.ident
        anchor = await self._host.get(CONFIGMAPS, ident.host_namespace, ident.anchor)
        known = annotation(anchor, deletion_brake.CLUSTER)
        confirmed = annotation(anchor, deletion_brake.CONFIRM) == "yes"
        self.decided = accept or confirmed
        kept = (anchor.get("binaryData") or {}).get(deletion_brake.HELD, "")
        self.kept = deletion_brake.decode(kept)
        self.restored = (
            not self.decided and annotation(anchor, deletion_brake.RESTORED) == self.virt_uid
        )
        known_to_be_another = bool(known) and known != self.virt_uid
        if known_to_be_another and not self.decided and not self.restored:
            self._foreign = (
                "this datastore is not the one that the host objects came from, and none of them"
                f" is deleted: {deletion_brake.cure(ident.anchor)} if they may go"
            )
            return False
        if known != self.virt_uid or confirmed:
            await self._note(anchor)
        return True

    def watches(self) -> tuple[Watch, ...]:
        """Return none: only the operator's word queues its key (holds.py)."""
        return ()

    async def reconcile(self, _key: Key) -> None:
        """Note on the anchor that the operator's word was taken: the next brake asks again."""
        ident = self._world.ident
        self.restored = False
        await self._note(await self._host.get(CONFIGMAPS, ident.host_namespace, ident.anchor))

    async def _note(self, anchor: Obj) -> None:
        notes = {deletion_brake.CLUSTER: self.virt_uid, deletion_brake.CONFIRM: None}
        if not self.restored:
            notes[deletion_brake.RESTORED] = None
        await self._host.patch(CONFIGMAPS, anchor, {"metadata": {"annotations": notes}})
        self._foreign = ""

    def orphans(self) -> set[Key]:
        """Return the keys of host objects without a virtual twin."""
        return {key for key in self.twins() if self._world.virt_object(key) is None}

    def newer(self) -> set[Key]:
        """Return the keys of twins that a restored datastore knows not, or not with this UID.

        Copies of ConfigMaps and Secrets are not among them: they go with whoever needs them. Nor is
        the virtual cluster's own DNS, which a fresh installation has before anything is restored.
        """
        return {
            key
            for kind, store in self._world.host.items()
            for host_obj in store
            if (key := virtual_key(host_obj)) is not None
            and key.kind == kind
            and kind not in NEEDED_BY_PODS
            and annotation(host_obj, UID) != RESERVED
            and not _is_dns(key, host_obj)
            and self._world.original(kind, host_obj) is None
        }

    def twins(self) -> set[Key]:
        """Return the keys of all host objects that are twins of virtual ones.

        Not of what the syncer makes beside them, such as Secrets with tokens and certificates:
        these can never be orphans, and would outvote those that are.
        """
        return {
            key
            for kind, store in self._world.host.items()
            for host_obj in store
            if (key := virtual_key(host_obj)) is not None and key.kind == kind
        }


def _is_dns(key: Key, host_obj: Obj) -> bool:
    labels = host_obj["metadata"].get("labels") or {}
    mine = key.kind == "pods" and labels.get(tenant_key("k8s-app")) == DNS_SERVICE.name
    return key == DNS_SERVICE or (mine and key.namespace == DNS_SERVICE.namespace)
