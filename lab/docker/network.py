"""The Engine's network: a namespace of its own, and one cable to the machine.

The Engine sets the policy of FORWARD to DROP and passes bridged frames to iptables, which would cut
a lab in two; in a namespace of its own it does that to nobody. Removing the namespace removes its
bridges, addresses and rules. The machine reaches published ports at `ADDRESS`, and containers at
their own addresses; nothing in there reaches beyond the machine, and is told so at once.
"""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network

from lab.addresses import ENGINE_SPACE
from lab.errors import LabError
from lab.network import NETNS
from lab.run import output

NAME = "vcdocker"
PATH = NETNS / NAME
_CABLE = "vcdocker0"
_INSIDE = "uplink"

LINK = IPv4Network((int(ENGINE_SPACE.network_address), 30))
_MACHINE, ADDRESS = LINK[1], LINK[2]
"""The machine's end of the cable and the Engine's: what it publishes is reached there."""
BRIDGE_NETWORK = list(ENGINE_SPACE.subnets(new_prefix=24))[1]
BRIDGE = f"{BRIDGE_NETWORK[1]}/{BRIDGE_NETWORK.prefixlen}"
"""Address of the Engine's default bridge, as dockerd takes it."""
POOL = list(ENGINE_SPACE.subnets(new_prefix=17))[1]
"""All networks that are made later, such as kind's."""


def up() -> None:
    """Make what is missing; what is half there is made again."""
    if _complete():
        return
    down()
    for command in (
        f"netns add {NAME}",
        f"link add {_CABLE} type veth peer name {_INSIDE} netns {NAME}",
        f"addr add {_MACHINE}/{LINK.prefixlen} dev {_CABLE}",
        f"link set {_CABLE} up",
        f"-n {NAME} link set lo up",
        f"-n {NAME} addr add {ADDRESS}/{LINK.prefixlen} dev {_INSIDE}",
        f"-n {NAME} link set {_INSIDE} up",
        # Not just no route: a prohibition is an answer, and nobody waits for a registry.
        f"-n {NAME} route add prohibit default",
        f"route replace {POOL} via {ADDRESS} dev {_CABLE}",
    ):
        output(["ip", *command.split()])
    output(["nsenter", f"--net={PATH}", "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0"])


def down() -> None:
    """Remove the namespace, the cable and with them everything in it."""
    subprocess.run(["ip", "link", "del", _CABLE], capture_output=True, check=False)
    if PATH.exists():
        output(["ip", "netns", "del", NAME])


def admit() -> None:
    """Let the machine reach containers at their own addresses; the Engine must have started."""
    rule = ("DOCKER-USER", "-i", _INSIDE, "-j", "ACCEPT")
    enter = ("nsenter", f"--net={PATH}", "iptables", "--wait")
    if subprocess.run([*enter, "-C", *rule], capture_output=True, check=False).returncode != 0:
        output([*enter, "-I", *rule])


def left() -> list[str]:
    """Return what of it is still on the machine."""
    links = {link["ifname"] for link in json.loads(output(["ip", "-j", "link"]))}
    found = [f"interface {_CABLE}"] if _CABLE in links else []
    return found + ([str(PATH)] if PATH.exists() else [])


def _complete() -> bool:
    """Tell whether all of it is there; after a machine restart only empty names are."""
    try:
        inside = output(["ip", "-n", NAME, "route"])
        return "prohibit default" in inside and str(POOL) in output(["ip", "route"])
    except LabError:
        return False
