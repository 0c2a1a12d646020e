"""The wires of a lab: a switch in a network namespace of its own, and one namespace per node.

The switch is not in the machine's own namespace, so the machine's firewall never sees a frame
between two nodes, and removing the namespaces removes every address, route and rule of the lab.
The machine has one interface into the lab. The nodes' default route ends at the switch, which says
"unreachable" at once: a lab never waits for a network, and never reaches beyond itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from lab.addresses import Addresses
from lab.errors import LabError
from lab.run import output

NETNS = Path("/run/netns")


class Network:
    """The network of one lab; `up` and `down` may be called again at any time."""

    def __init__(self, name: str, addresses: Addresses, nodes: int) -> None:
        self.name = name
        self.addresses = addresses
        self.nodes = nodes
        self.switch = f"vclab-{name}-switch"
        # Interface names end at 15 characters; the lab's name may be longer.
        self.uplink = "vcl" + hashlib.sha256(name.encode()).hexdigest()[:8]

    def node(self, number: int) -> str:
        """Return the name of a node's network namespace."""
        return f"vclab-{self.name}-node-{number}"

    def path(self, number: int) -> Path:
        """Return the file that names a node's network namespace."""
        return NETNS / self.node(number)

    def up(self) -> None:
        """Make what is missing."""
        if self._complete():
            return
        self.down()  # a half-made network is made again rather than understood
        for commands in (self._switch_commands(), *map(self._node_commands, self.numbers)):
            _batch(commands)
        # Refusals by the thousand: the nodes' resolver is an address where nothing listens.
        _sysctl(NETNS / self.switch, "net.ipv4.icmp_ratelimit=0", "net.ipv4.ip_forward=1")
        for number in self.numbers:
            # br_netfilter: a pod that reaches itself or a neighbour through a Service needs it.
            settings = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
            _sysctl(self.path(number), *settings)

    def down(self) -> None:
        """Remove the namespaces and, with them, everything in them."""
        subprocess.run(["ip", "link", "del", self.uplink], capture_output=True, check=False)
        for namespace in (self.switch, *self._existing_nodes()):
            if (NETNS / namespace).exists():
                output(["ip", "netns", "del", namespace])

    def plug(self, number: int) -> None:
        """Put a node's cable into the switch."""
        output(["ip", "-n", self.switch, "link", "set", f"node-{number}", "up"])

    def unplug(self, number: int) -> None:
        """Take it out: nobody answers for the node, not even to say that it is not there."""
        output(["ip", "-n", self.switch, "link", "set", f"node-{number}", "down"])

    @property
    def numbers(self) -> range:
        """Return the nodes' numbers, from 1."""
        return range(1, self.nodes + 1)

    def _existing_nodes(self) -> list[str]:
        if not NETNS.is_dir():
            return []
        pattern = re.compile(rf"vclab-{re.escape(self.name)}-node-\d+")
        return [p.name for p in NETNS.iterdir() if pattern.fullmatch(p.name)]

    def _complete(self) -> bool:
        """Tell whether all of it is there; after a machine restart only empty names are."""
        try:
            machine = output(["ip", "route"])
            if not all(f"{self.addresses.node_pods(n)} via" in machine for n in self.numbers):
                return False
            return all(
                "default" in output(["ip", "-n", self.node(n), "route"]) for n in self.numbers
            )
        except LabError:
            return False

    def _switch_commands(self) -> list[str]:
        a = self.addresses
        return [
            f"netns add {self.switch}",
            f"link add {self.uplink} type veth peer name uplink netns {self.switch}",
            f"addr add {a.gateway}/{a.network.prefixlen} dev {self.uplink}",
            f"link set {self.uplink} up",
            *(
                f"route replace {a.node_pods(n)} via {a.node(n)} dev {self.uplink} onlink"
                for n in self.numbers
            ),
            f"-n {self.switch} link set lo up",
            f"-n {self.switch} link add bridge type bridge",
            f"-n {self.switch} addr add {a.switch}/{a.network.prefixlen} dev bridge",
            f"-n {self.switch} link set uplink master bridge",
            f"-n {self.switch} link set uplink up",
            f"-n {self.switch} link set bridge up",
            # Not just no route: only a prohibition ends a UDP request at once, too.
            f"-n {self.switch} route add prohibit default",
            *(
                f"-n {self.switch} route add {a.node_pods(n)} via {a.node(n)} onlink dev bridge"
                for n in self.numbers
            ),
        ]

    def _node_commands(self, number: int) -> list[str]:
        a, me = self.addresses, self.node(number)
        others = [n for n in self.numbers if n != number]
        return [
            f"netns add {me}",
            f"-n {me} link add eth0 type veth peer name node-{number} netns {self.switch}",
            f"-n {self.switch} link set node-{number} master bridge",
            f"-n {self.switch} link set node-{number} up",
            f"-n {me} link set lo up",
            f"-n {me} addr add {a.node(number)}/{a.network.prefixlen} dev eth0",
            f"-n {me} link set eth0 up",
            *(f"-n {me} route add {a.node_pods(n)} via {a.node(n)}" for n in others),
            f"-n {me} route add default via {a.switch}",
        ]


def _sysctl(namespace: Path, *settings: str) -> None:
    output(["nsenter", f"--net={namespace}", "sysctl", "-qw", *settings])


def _batch(commands: list[str]) -> None:
    for command in commands:
        output(["ip", *command.split()])


def machine_routes(ignore: str = "") -> list[IPv4Network]:
    """Return the networks that the machine already routes, but those through `ignore`."""
    networks = []
    for route in json.loads(output(["ip", "-j", "-4", "route"]) or "[]"):
        if route.get("dev") != ignore and route["dst"] != "default":
            with contextlib.suppress(ValueError):
                networks.append(IPv4Network(route["dst"]))
    return networks
