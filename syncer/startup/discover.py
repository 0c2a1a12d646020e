"""The init container: finds out what a chart's template cannot know, and writes it down.

    SERVICE_CIDR   the host's Service range(s): the virtual cluster gets the same
    SERVICE_IP     the ClusterIP of our own Service: a `--tls-san`, and the API server's address
                   for pods
    CLUSTER_DNS    a ClusterIP that the host has reserved for the virtual cluster's DNS
    K3S_VERSION    the k3s that last served the datastore; written when it does (k3s_upgrade.py)

With a datastore outside of the pod it makes the token too under which k3s keeps its certificate
authorities there: once, since no other opens them again.

The DNS address is reserved by creating the host twin of `kube-system/kube-dns` before k3s starts;
so k3s can be told `--cluster-dns`, and neither side ever has to change it.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import NamedTuple

import structlog

from syncer import identity
from syncer.errors import AlreadyExists, NotFound, Refused
from syncer.identity import DNS_SERVICE, Identity
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import CONFIGMAPS, SECRETS, SERVICES
from syncer.owned_objects import keep, made
from syncer.startup import k3s_upgrade
from syncer.startup.service_cidr import Network, check_ranges, service_ranges

log = structlog.get_logger()
PAUSE = 0.2
WAIT = 30.0


class Token(NamedTuple):
    """The Secret with the token of k3s; `kept`: it outlives the installation, as its data do."""

    name: str
    kept: bool


async def identify(host: Client, host_namespace: str, release: str) -> Identity:
    """Return who we are: the anchor's UID stands for this installation."""
    name = f"{release}-anchor"
    try:
        anchor = await host.get(CONFIGMAPS, host_namespace, name)
    except NotFound:
        raise Refused(
            "NoAnchor",
            f"ConfigMap {name} is missing: it owns everything of this virtual cluster."
            f" Restore it with: helm upgrade {release}",
        ) from None
    return Identity(host_namespace, release, anchor["metadata"]["uid"])


async def discover(
    host: Client,
    ident: Identity,
    virt_ranges: list[Network],
    *,
    reserve_dns: bool,
    k3s_version: str = "",
    token: Token | None = None,
    wait: float = WAIT,
) -> None:
    """Write the ConfigMap `<release>-discovered`.

    Raise Refused when the ranges do not fit, or when k3s `k3s_version` must not follow the one that
    served the datastore before; with an empty one that is not looked at.
    """
    ran = await _ran(host, ident)
    k3s_upgrade.check_step(ident, ran, k3s_version)
    try:
        async with asyncio.timeout(wait):
            own_address = await _own_address(host, ident)
    except TimeoutError:
        raise Refused(
            "NoService",
            f"Service {ident.release} is missing or has no address. Restore it with: helm upgrade"
            f" {ident.release}",
        ) from None
    host_ranges = await service_ranges(host, ident.host_namespace, own_address)
    check_ranges(virt_ranges, host_ranges)
    data = {
        "SERVICE_CIDR": ",".join(str(each) for each in host_ranges),
        "SERVICE_IP": own_address,
    }
    if reserve_dns:
        data["CLUSTER_DNS"] = await _reserve_dns(host, ident)
    if token is not None:
        await _keep_token(host, ident, token)
    name = f"{ident.release}-discovered"
    await keep(host, ident, CONFIGMAPS, name, {"data": data}, others=(k3s_upgrade.RECORD,))
    log.info("discovered", **{key.lower(): value for key, value in data.items()})


async def _ran(host: Client, ident: Identity) -> str:
    """Return which k3s served the datastore last; empty when none did."""
    try:
        found = await host.get(CONFIGMAPS, ident.host_namespace, f"{ident.release}-discovered")
    except NotFound:
        return ""
    return str((found.get("data") or {}).get(k3s_upgrade.RECORD, ""))


async def _own_address(host: Client, ident: Identity) -> str:
    while True:
        try:
            service = await host.get(SERVICES, ident.host_namespace, ident.release)
            ip = service["spec"].get("clusterIP")
            if ip and ip != "None":
                return str(ip)
        except NotFound:
            log.info("waiting for Service", name=ident.release)
        await asyncio.sleep(PAUSE)


async def _keep_token(host: Client, ident: Identity, token: Token) -> None:
    """Make the Secret, unless it is there; several pods may try at once, and one of them does."""
    random = base64.b64encode(secrets.token_hex(32).encode()).decode()
    content = {"type": "Opaque", "data": {"token": random}}
    secret = made(ident, SECRETS, token.name, content, owned=not token.kept)
    try:
        await host.create(SECRETS, ident.host_namespace, secret)
    except AlreadyExists:
        have = await host.get(SECRETS, ident.host_namespace, token.name)
        if not (have.get("data") or {}).get("token"):
            raise Refused(
                "NoToken",
                f"the Secret {token.name} is there, but has no key `token`: add the token that the"
                " datastore was made with; for a datastore that is empty delete the Secret",
            ) from None


async def _reserve_dns(host: Client, ident: Identity) -> str:
    name = ident.host_name(DNS_SERVICE)
    service: Obj = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": ident.host_namespace,
            "labels": ident.labels(DNS_SERVICE.namespace, None),
            "annotations": ident.marks(DNS_SERVICE, identity.RESERVED),
            "ownerReferences": [ident.owner()],
        },
        "spec": {
            # Until its virtual twin says more, it leads nowhere: no pod has this label.
            "selector": {identity.PREFIX + "reserved": ident.release},
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            ],
        },
    }
    try:
        made = await host.create(SERVICES, ident.host_namespace, service)
    except AlreadyExists:
        made = await host.get(SERVICES, ident.host_namespace, name)
        if not ident.is_ours(made):
            raise Refused(
                "NameTaken",
                f"the host namespace has a Service {name!r} that is not of this virtual cluster:"
                " delete it or choose another release name",
            ) from None
    return str(made["spec"]["clusterIP"])
