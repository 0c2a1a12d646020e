"""Asks the host at the start whether it grants what the syncer needs."""

from __future__ import annotations

from syncer.errors import Forbidden, NotFound, Refused
from syncer.kube.client import Client
from syncer.kube.resources import RULES_REVIEWS
from syncer.leader import lease
from syncer.settings import Settings
from syncer.startup import permissions


async def check_rights(host: Client, settings: Settings) -> None:
    """Raise Refused for rights that are lacking; it names them, and who can mend it and how."""
    review = {
        "apiVersion": RULES_REVIEWS.api_version,
        "kind": RULES_REVIEWS.kind,
        "spec": {"namespace": settings.host_namespace},
    }
    try:
        answer = await host.create(RULES_REVIEWS, "", review)
    except (Forbidden, NotFound):
        return  # the requests themselves will tell
    cure = f"helm upgrade {settings.release} -n {settings.host_namespace}"
    name = lease.name(settings.release)
    kinds = settings.kinds | ({permissions.LEASES} if settings.leader_elect else set())
    if lacking := permissions.missing(answer, kinds, name, cluster=False):
        raise Refused(
            "MissingRight",
            f"the host Role of {settings.release} does not grant: {', '.join(lacking)}. Restore it"
            f" with: {cure}",
        )
    if lacking := permissions.missing(answer, kinds, name, cluster=True):
        role = f"virtualcluster:{settings.host_namespace}:{settings.release}"
        raise Refused(
            "MissingRight",
            f"the host ClusterRole {role} does not grant, or nobody bound it: {', '.join(lacking)}."
            f" Restore it, as a user who may create ClusterRoles, with: {cure}; or switch off the"
            " value that asks for it",
        )
