"""The one list of what is reconciled: each kind, when it is on, and what reconciles it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from syncer.kube.client import Client
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.sync import certificates, holds, kinds, kubernetes_service, persistentvolumes
from syncer.sync.certificates import Certificates
from syncer.sync.classes import ClassMirror
from syncer.sync.datastore_identity import ANCHOR_KEY, DatastoreIdentity
from syncer.sync.endpoints import EndpointsMirror
from syncer.sync.events import EventMirror
from syncer.sync.generic import Mirror
from syncer.sync.holds import Holds
from syncer.sync.kinds import Kind
from syncer.sync.kubernetes_service import ApiService
from syncer.sync.nodes import Nodes
from syncer.sync.persistentvolumeclaims import ClaimMirror
from syncer.sync.persistentvolumes import VolumeMirror
from syncer.sync.pods.reconciler import PodMirror
from syncer.sync.pods.tokens import Tokens
from syncer.sync.services import ServiceMirror
from syncer.sync.watches import Reconciler
from syncer.translate.certificates import needs
from syncer.translate.classes import CLASSES, ClassKind

Kinds = frozenset[str]
"""The kinds that are switched on."""


class Parts(NamedTuple):
    """What reconcilers are made of."""

    world: World
    virt: Client
    host: Client
    queue: Queue
    kinds: Kinds
    nodes: Nodes
    api_service: ApiService
    datastore: DatastoreIdentity
    holds: Holds
    tokens: Tokens


class Registration(NamedTuple):
    """One kind of keys."""

    kind: str
    is_on: Callable[[Kinds], bool]
    make: Callable[[Parts], Reconciler]


def _always(_kinds: Kinds) -> bool:
    return True


def _mirrored(row: Kind, mirror: type[Mirror] = Mirror) -> Registration:
    """Register a kind that is copied to the host; `mirror` has its rules beyond the common ones."""
    return Registration(
        row.name,
        lambda on: row.name in on,
        lambda parts: mirror(row, parts.world, parts.virt, parts.host),
    )


def _shown(row: ClassKind) -> Registration:
    """Register a kind that is copied from the host."""
    return Registration(
        row.name,
        lambda on: row.name in on,
        lambda parts: ClassMirror(row, parts.world, parts.virt),
    )


def _pods(parts: Parts) -> PodMirror:
    return PodMirror(
        parts.world,
        parts.virt,
        parts.host,
        parts.tokens,
        parts.nodes,
        parts.queue,
        parts.kinds.__contains__,
        time.monotonic,
    )


def _certificates(parts: Parts) -> Certificates:
    return Certificates(parts.world, parts.virt, parts.host, parts.queue, time.monotonic)


def _volumes(parts: Parts) -> VolumeMirror:
    return VolumeMirror(parts.world, parts.virt)


REGISTRATIONS = (
    Registration("events", _always, lambda parts: EventMirror(parts.world, parts.virt)),
    Registration("pods", _always, _pods),
    Registration("nodes", _always, lambda parts: parts.nodes),
    _mirrored(kinds.CONFIGMAPS),
    _mirrored(kinds.SECRETS),
    _mirrored(kinds.CLAIMS, ClaimMirror),
    _mirrored(kinds.INGRESSES),
    _mirrored(kinds.SERVICES, ServiceMirror),
    _mirrored(kinds.ENDPOINTS, EndpointsMirror),
    _mirrored(kinds.ENDPOINT_SLICES, EndpointsMirror),
    _mirrored(kinds.BUDGETS),
    Registration(persistentvolumes.KIND, lambda on: "persistentvolumeclaims" in on, _volumes),
    *(_shown(row) for row in CLASSES.values()),
    Registration(certificates.KIND, needs, _certificates),
    Registration(kubernetes_service.KEY.kind, _always, lambda parts: parts.api_service),
    Registration(ANCHOR_KEY.kind, _always, lambda parts: parts.datastore),
    Registration(holds.KEY.kind, _always, lambda parts: parts.holds),
)


def reconcilers(parts: Parts) -> dict[str, Reconciler]:
    """Make those that are on, by their kinds, in the order of the list."""
    return {each.kind: each.make(parts) for each in REGISTRATIONS if each.is_on(parts.kinds)}
