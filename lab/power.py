"""A node without power: its processes are gone at once, and nobody answers at its address.

What it had on disk stays, and so does what the control plane knows of it.
"""

from __future__ import annotations

from lab.assets import Assets
from lab.errors import LabError
from lab.lab import Lab


def off(lab: Lab, number: int) -> None:
    """Take a node's power away."""
    if number not in lab.numbers:
        raise LabError(f"no node {number}: there are {lab.numbers.start} to {lab.numbers[-1]}")
    if number == 1:
        raise LabError("node 1 has the control plane of the lab: take the power from another")
    lab.network.unplug(number)  # first: what is being killed says nothing any more
    lab.cgroups.kill(*lab.cgroups.node(number))


def on(lab: Lab, assets: Assets, number: int) -> None:
    """Give it back; return when the node is ready."""
    lab.network.plug(number)
    lab.up(assets, None)
