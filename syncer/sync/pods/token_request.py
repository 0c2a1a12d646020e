"""The TokenRequest (KEP-1205) that stands behind a token in a pod."""

from __future__ import annotations

from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import SERVICE_ACCOUNTS
from syncer.translate.volumes import TokenWish

HOUR, EXTENDED = 3600, 3607
"""What admission writes into pods, 3607, API servers stretch to a year for clients that read their
token only once. On the host it lies in a Secret: there nothing may live so long (threats B4)."""


async def request(virt: Client, virt_pod: Obj, wish: TokenWish) -> tuple[str, float]:
    """Return a token for a pod and its lifetime in seconds; raises what the API server answers."""
    meta = virt_pod["metadata"]
    body: Obj = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {
            "name": account(virt_pod),
            "namespace": meta["namespace"],
        },
        "spec": {
            "expirationSeconds": HOUR if wish.seconds == EXTENDED else wish.seconds,
            "audiences": [wish.audience] if wish.audience else [],
            "boundObjectRef": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": meta["name"],
                "uid": meta["uid"],
            },
        },
    }
    answer = await virt.create(SERVICE_ACCOUNTS, meta["namespace"], body, subresource="token")
    # How long, not until when: by a clock that is ahead it has ended before it was made.
    return answer["status"]["token"], answer["spec"]["expirationSeconds"]


def account(virt_pod: Obj) -> str:
    """Return the name of the service account that a pod runs as."""
    return str(virt_pod["spec"].get("serviceAccountName", "default"))
