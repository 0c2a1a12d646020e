"""Which k3s may follow which on one datastore.

Kubernetes' version skew policy, and k3s after it, goes up one minor version at a time and never
back. The chart refuses other steps, but only where Helm can look at what runs; whoever renders the
chart and applies it (Argo CD does) meets the same rule here, before the new k3s touches the data.
"""

from __future__ import annotations

import structlog

from syncer.errors import Refused
from syncer.identity import Identity
from syncer.kube import version
from syncer.kube.client import Client
from syncer.kube.resources import CONFIGMAPS

log = structlog.get_logger()
RECORD = "K3S_VERSION"
"""The key, in the ConfigMap `<release>-discovered`, of the k3s that last served the datastore."""


def check_step(ident: Identity, ran: str, wanted: str) -> None:
    """Raise Refused when k3s `wanted` must not follow k3s `ran`, both like `1.34.4`."""
    before, after = version.parse(ran), version.parse(wanted)
    if before is None or after is None or before[0] != after[0]:
        return
    old, new = before[1], after[1]
    if 0 <= new - old <= 1:
        return
    if new < old:
        reason = f"k3s cannot go back a minor version; stay with k3s 1.{old}"
    else:
        reason = f"k3s must not skip a minor version; go to k3s 1.{old + 1} first"
    raise Refused(
        "UnsupportedUpgrade",
        f"virtualCluster.image is k3s {wanted}, but this datastore was served by {ran}: {reason}."
        f" If the data was deleted and k3s begins anew, remove {RECORD} from the ConfigMap"
        f" {ident.release}-discovered",
    )


async def record(host: Client, ident: Identity, git_version: str) -> None:
    """Write down which k3s serves the datastore, once it does; it says it like `v1.34.4+k3s1`."""
    numbers = version.parse(git_version)
    if numbers is None or numbers[0] != 1:  # of a build that nobody stamped
        log.warning("virtual API server version unknown", version=git_version)
        return
    served = ".".join(str(each) for each in numbers)
    discovered = await host.get(CONFIGMAPS, ident.host_namespace, f"{ident.release}-discovered")
    if discovered["data"].get(RECORD) != served:
        await host.patch(CONFIGMAPS, discovered, {"data": {RECORD: served}})
