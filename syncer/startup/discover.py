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
import ipaddress
import re
import secrets
from typing import NamedTuple

import structlog

from syncer import identity
from syncer.errors import AlreadyExists, ApiError, BadRequest, Forbidden, NotFound, Refused
from syncer.identity import Identity
from syncer.kube import api_answers
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import CLAIMS, CONFIGMAPS, SECRETS, SERVICE_CIDRS, SERVICES
from syncer.owned_objects import keep, made
from syncer.startup import k3s_upgrade
from syncer.state.cluster import DNS_SERVICE

log = structlog.get_logger()
PAUSE = 0.2
WAIT = 30.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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


async def service_ranges(host: Client, host_namespace: str, inside: str) -> list[Network]:
    """Return the host's Service ranges; `inside` is an address that lies in one of them.

    1. from the ServiceCIDR API where it can be read
    2. from the error of a Service with an address in no range. 1.16 does not look at the address
       in a dry run; 1.33 and later name the range in a dry run only, and one day not even there
    3. by a search from `inside`, see docs/decisions/001
    """
    try:
        cidrs, _ = await host.list(SERVICE_CIDRS)
        found = [cidr for each in cidrs for cidr in each["spec"]["cidrs"]]
        if found:
            return [ipaddress.ip_network(each) for each in found]
    except (Forbidden, NotFound):
        pass
    nowhere = "0.0.0.0"  # noqa: S104 (an address that is refused)
    for dry_run in (True, False):
        error = await _try_address(host, host_namespace, nowhere, dry_run=dry_run)
        named = parse_range(error.message) if error is not None else None
        # With several ranges any one of them may be named: ours must be among the addresses.
        if named is not None and ipaddress.ip_address(inside) in named:
            return [named]
    return [await _search_range(host, host_namespace, inside)]


async def _search_range(host: Client, host_namespace: str, inside: str) -> Network:
    """Return the range around an address that lies in it.

    An address whose bit i differs lies in the range too exactly when i is not part of its prefix.
    """
    ip = ipaddress.ip_address(inside)
    # Kubernetes takes ranges of /12 and /108 at the widest (--service-cluster-ip-range), since 1.33
    # up to /64 for IPv6; the last bits are left alone: they could make a network's own address.
    low, high = (8, 29) if ip.version == 4 else (48, 125)  # noqa: PLR2004
    while low < high:
        middle = (low + high) // 2
        flipped = type(ip)(int(ip) ^ (1 << (ip.max_prefixlen - 1 - middle)))
        error = await _try_address(host, host_namespace, str(flipped), dry_run=True)
        if error is None or api_answers.is_already_allocated(error):
            high = middle
        elif (named := parse_range(error.message)) is not None and ip in named:
            return named  # the network's own address, or the last one
        elif api_answers.is_outside_range(error):
            low = middle + 1
        else:
            raise Refused(
                "NoServiceRange",
                f"the host does not tell its Service range ({error.message}): give it as"
                " --service-cidr in virtualCluster.extraArgs",
            )
    return ipaddress.ip_network(f"{ip}/{low}", strict=False)


def parse_range(message: str) -> Network | None:
    """Return the range that the error text names."""
    found = re.search(r"valid IPs is ([0-9a-fA-F.:]+/\d+)", message)
    return ipaddress.ip_network(found[1]) if found else None


def parse_ranges(text: str) -> list[Network]:
    """Return the ranges of a `--service-cidr`; raise Refused for what is none."""
    try:
        # k3s does not mind bits behind the prefix, so neither do we.
        words = [each.strip() for each in text.split(",") if each.strip()]
        return [ipaddress.ip_network(each, strict=False) for each in words]
    except ValueError as error:
        raise Refused(
            "BadServiceRange",
            f"--service-cidr={text} is not a network range ({error}): give it like 10.96.0.0/12, or"
            " leave it out and the host's own is used",
        ) from error


def check_ranges(virt_ranges: list[Network], host_ranges: list[Network]) -> None:
    """Raise Refused unless every host address is one that the virtual API server can take.

    A Service has the same ClusterIP on both sides; the host gives out the addresses.
    """
    if not virt_ranges:
        return
    versions = {each.version for each in virt_ranges}
    common = versions & {each.version for each in host_ranges}
    for theirs in host_ranges:
        same_family = [each for each in virt_ranges if each.version == theirs.version]
        fits = any(_contains(ours, theirs) for ours in same_family)
        if not fits and (same_family or not common):
            ours_text = ",".join(str(each) for each in virt_ranges)
            raise Refused(
                "BadServiceRange",
                f"--service-cidr={ours_text} does not contain the host's Service range {theirs}:"
                f" use --service-cidr={theirs}, or leave it out and the host's own is used",
            )


def _contains(ours: Network, theirs: Network) -> bool:
    return (
        ours.prefixlen <= theirs.prefixlen
        and theirs.network_address in ours
        and theirs.broadcast_address in ours
    )


async def _try_address(
    host: Client, host_namespace: str, address: str, *, dry_run: bool
) -> BadRequest | None:
    """Return the error of creating a Service with the address; None when it was accepted."""
    probe: Obj = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"generateName": "service-range-", "namespace": host_namespace},
        "spec": {"clusterIP": address, "ports": [{"port": 443}]},
    }
    try:
        made = await host.create(SERVICES, host_namespace, probe, dry_run=dry_run)
    except BadRequest as error:
        return error
    if not dry_run:
        await host.delete(SERVICES, made)
    return None


async def _own_address(host: Client, ident: Identity) -> str:
    while True:
        try:
            service = await host.get(SERVICES, ident.host_namespace, ident.release)
            ip = service["spec"].get("clusterIP")
            if ip and ip != "None":
                return str(ip)
        except NotFound:
            log.info("waiting for our Service", name=ident.release)
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


async def check_default_storage_class(host: Client, host_namespace: str) -> None:
    """Raise Refused when a claim without a class would wait for ever.

    Classes are cluster-scoped and not ours to list; but admission fills the default one into a
    claim that is created, in a dry run too.
    """
    probe: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"generateName": "storage-class-", "namespace": host_namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    try:
        answer = await host.create(CLAIMS, host_namespace, probe, dry_run=True)
    except ApiError as error:
        raise Refused("NoStorage", f"a claim is not accepted: {error.message}") from error
    if not answer["spec"].get("storageClassName"):
        raise Refused(
            "NoStorageClass",
            "the host has no default StorageClass: name one as storage.className, or set"
            " storage.persistence=false to keep the data in the pod only",
        )
