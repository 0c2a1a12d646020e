"""What an API server does to Services: gives ClusterIPs and node ports, or refuses them.

The refusals have the server's own words, since the syncer reads them.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncer.kube.objects import Obj

NODE_PORTS = range(30000, 30100)
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refusal(Exception):
    """An answer that is no success, with the Status that the server sends."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message,
        }


WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


@dataclass
class Addresses:
    """The Service range, and what an address outside of it is told, which differs by version."""

    valid: Range
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(100))
    """Which addresses are tried: like the server's own in no order that would give one that was
    just freed out again."""
    names_range: tuple[bool, bool] = (True, True)
    """Whether the error of a real create and of a dry run names the range."""
    looks_in_dry_run: bool = True
    named: Range | None = None
    """With several ranges any of them may be named."""

    def refusal(self, ip: str, taken: set[str | None], *, dry_run: bool) -> str:
        """Return why the address cannot be had; empty when it can."""
        address = ipaddress.ip_address(ip)
        if dry_run and not self.looks_in_dry_run:
            return ""
        outside = address not in self.valid
        edge = address in (self.valid.network_address, self.valid.broadcast_address)
        if (outside and self.names_range[dry_run]) or (edge and not outside):
            return (
                f"the provided IP ({ip}) is not in the valid range. The range of valid IPs is"
                f" {self.named or self.valid}"
            )
        if outside:
            return "the provided network does not match the current range"
        return "provided IP is already allocated" if ip in taken else ""


def invalid(name: str, message: str) -> Refusal:
    return Refusal(422, "Invalid", f'"{name}" is invalid: {message}')


def allocate(
    service: Obj, old: Obj | None, services: list[Obj], addresses: Addresses, *, dry_run: bool
) -> None:
    """Give addresses and node ports, in place; raise Refusal for those that cannot be had."""
    spec, name = service["spec"], service["metadata"]["name"]
    uid = service["metadata"]["uid"]
    others = [each["spec"] for each in services if each["metadata"]["uid"] != uid]
    if spec.get("type") == "ExternalName":
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
        return
    before = (old or {}).get("spec") or {}
    had = before.get("clusterIP") if before.get("type") != "ExternalName" else None
    if had and spec.setdefault("clusterIP", had) != had:
        raise invalid(name, f"spec.clusterIPs[0]: Invalid value: {spec['clusterIP']}: immutable")
    taken = {each.get("clusterIP") for each in others}
    wanted = spec.get("clusterIP")
    if wanted != "None" and not spec.get("ports"):
        raise invalid(name, "spec.ports: Required value")
    if wanted and wanted not in ("None", had):
        reason = addresses.refusal(wanted, taken, dry_run=dry_run)
        if reason:
            what = f'spec.clusterIPs: Invalid value: ["{wanted}"]'
            raise invalid(name, f"{what}: failed to allocate IP {wanted}: {reason}")
    if not wanted:
        valid = addresses.valid
        given = (str(valid[number % valid.num_addresses]) for number in addresses.numbers)
        spec["clusterIP"] = next(ip for ip in given if ip not in taken)
    spec["clusterIPs"] = [spec["clusterIP"]]
    if before.get("type") in WITH_NODE_PORTS:
        # A port that names none keeps the one that it had, found by name.
        had_ports = {port.get("name"): port.get("nodePort") for port in before.get("ports") or ()}
        for port in spec.get("ports") or ():
            if had_ports.get(port.get("name")):
                port.setdefault("nodePort", had_ports[port.get("name")])
    _give_node_ports(name, spec, others)


def _give_node_ports(name: str, spec: Obj, others: list[Obj]) -> None:
    taken = {port.get("nodePort") for each in others for port in each.get("ports") or ()}
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
        if spec.get("type") not in WITH_NODE_PORTS:
            port.pop("nodePort", None)
        elif not port.get("nodePort"):
            port["nodePort"] = next(each for each in NODE_PORTS if each not in taken)
        elif port["nodePort"] not in NODE_PORTS:
            what = f"spec.ports[0].nodePort: Invalid value: {port['nodePort']}"
            raise invalid(name, f"{what}: provided port is not in the valid range")
        elif port["nodePort"] in taken:
            what = f"spec.ports[0].nodePort: Invalid value: {port['nodePort']}"
            raise invalid(name, f"{what}: provided port is already allocated")
        taken.add(port.get("nodePort"))
