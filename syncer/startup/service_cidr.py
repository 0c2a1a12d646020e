"""The host's Service range(s), and whether the virtual cluster's own fit."""

from __future__ import annotations

import ipaddress
import re

from syncer.errors import BadRequest, Forbidden, NotFound, Refused
from syncer.kube.api_answers import is_already_allocated, is_outside_range
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import SERVICE_CIDRS, SERVICES

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
        if error is None or is_already_allocated(error):
            high = middle
        elif (named := parse_range(error.message)) is not None and ip in named:
            return named  # the network's own address, or the last one
        elif is_outside_range(error):
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
