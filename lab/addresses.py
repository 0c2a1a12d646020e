"""Every address of a lab, derived from its name, so that two labs never meet.

198.18.0.0/15 is set aside for test networks (RFC 2544): neither a home network nor Docker uses it.
Pods lie apart from 10.96.0.0/12, which users' `--service-cidr` values name, and from 10.42.0.0/15,
which k3s takes by default.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.errors import LabError

NODE_SPACE = IPv4Network("198.18.0.0/16")
ENGINE_SPACE = IPv4Network("198.19.0.0/16")
"""The other half of the test networks: the Docker Engine's own (`docker/network.py`)."""
POD_SPACE = IPv4Network("10.224.0.0/12")
SLOTS = 256
MAX_NODES = 16

# The same in every lab: a Service address means something only inside its own cluster.
SERVICE_CIDR = IPv4Network("10.96.0.0/16")
CLUSTER_DNS = SERVICE_CIDR[10]
API_SERVICE = SERVICE_CIDR[1]
API_PORT = 6443

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")


@dataclass(frozen=True)
class Addresses:
    """The addresses of one lab: its slot decides them all."""

    slot: int

    @property
    def network(self) -> IPv4Network:
        """The nodes' network."""
        return IPv4Network((int(NODE_SPACE.network_address) + self.slot * 256, 24))

    @property
    def pods(self) -> IPv4Network:
        """The pods of all nodes."""
        size = POD_SPACE.num_addresses // SLOTS
        return IPv4Network((int(POD_SPACE.network_address) + self.slot * size, 20))

    @property
    def gateway(self) -> IPv4Address:
        """The machine itself, as the nodes see it."""
        return self.network[1]

    @property
    def switch(self) -> IPv4Address:
        """The switch between the nodes. Nothing listens there: a resolver that refuses at once."""
        return self.network[2]

    def node(self, number: int) -> IPv4Address:
        """Return the address of node `number`, counted from 1."""
        return self.network[10 + number]

    def node_pods(self, number: int) -> IPv4Network:
        """Return the pod network of node `number`, counted from 1."""
        return list(self.pods.subnets(new_prefix=24))[number - 1]


def check_name(name: str) -> None:
    """Refuse a name that cannot be part of host names, file names and cgroups."""
    if not _NAME.fullmatch(name):
        raise LabError(
            f"lab name {name!r}: use at most 24 lower-case letters, digits and inner hyphens",
        )


def preferred_slot(name: str) -> int:
    """Return the slot that a name gets on a machine without other labs."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % SLOTS


def choose_slot(name: str, taken: Iterable[int], routes: Iterable[IPv4Network] = ()) -> int:
    """Return the first slot from the preferred one on that no lab holds and no route overlaps."""
    held = set(taken)
    foreign = [r for r in routes if r.prefixlen > 0]
    for step in range(SLOTS):
        slot = (preferred_slot(name) + step) % SLOTS
        nets = (Addresses(slot).network, Addresses(slot).pods)
        if slot not in held and not any(n.overlaps(r) for n in nets for r in foreign):
            return slot
    raise LabError(f"no free addresses: {len(held)} labs exist; take some down")
