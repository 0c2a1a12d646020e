"""Which labs there are on this machine, and what each was made with."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lab import versions
from lab.addresses import MAX_NODES, Addresses, check_name, choose_slot
from lab.cache import locked
from lab.errors import LabError
from lab.network import machine_routes
from lab.paths import STATE_ROOT

DEFAULT_NODES = 2  # the least with which "on another node" means something


@dataclass(frozen=True)
class Registration:
    """What decides a lab: kept in its state directory from its first `up` to its `down`."""

    name: str
    slot: int
    minor: str
    nodes: int
    root: Path = STATE_ROOT

    @property
    def state(self) -> Path:
        """Return the directory of everything that belongs to the lab."""
        return self.root / self.name

    @property
    def addresses(self) -> Addresses:
        """Return the lab's addresses."""
        return Addresses(self.slot)

    @property
    def kubernetes(self) -> versions.Kubernetes:
        """Return the row of the lab's Kubernetes minor."""
        return versions.kubernetes(self.minor)

    @property
    def lock(self) -> Path:
        """Return the lock file that one `up` or `down` of the lab holds."""
        return self.root / f".{self.name}.lock"


def find(name: str, root: Path = STATE_ROOT) -> Registration | None:
    """Return the lab of a name, if it was ever brought up and not taken down since."""
    check_name(name)
    try:
        data = json.loads((root / name / "lab.json").read_text())
    except FileNotFoundError:
        return None
    return Registration(name, data["slot"], data["kubernetes"], data["nodes"], root)


def names(root: Path = STATE_ROOT) -> list[str]:
    """Return the names of all labs."""
    return sorted(p.parent.name for p in root.glob("*/lab.json"))


def register(
    name: str, minor: str | None = None, nodes: int | None = None, root: Path = STATE_ROOT
) -> Registration:
    """Return the lab of a name, made with what is given or the defaults if there is none.

    A lab that was made with other things than are given is refused: its data belongs to them.
    """
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and cgroups: run it as root")
    check_name(name)
    versions.kubernetes(minor or versions.DEFAULT_KUBERNETES)
    if nodes is not None and not 1 <= nodes <= MAX_NODES:
        raise LabError(f"{nodes} nodes: a lab has 1 to {MAX_NODES}")
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / ".registry.lock"):
        found = find(name, root)
        if found is None:
            others = [r.slot for n in names(root) if (r := find(n, root)) is not None]
            slot = choose_slot(name, others, machine_routes())
            minor, nodes = minor or versions.DEFAULT_KUBERNETES, nodes or DEFAULT_NODES
            found = Registration(name, slot, minor, nodes, root)
            found.state.mkdir(mode=0o755, exist_ok=True)
            data = {"slot": slot, "kubernetes": minor, "nodes": nodes}
            half = found.state / ".lab.json"
            half.write_text(json.dumps(data) + "\n")
            half.rename(found.state / "lab.json")
    if found.minor != (minor or found.minor) or found.nodes != (nodes or found.nodes):
        raise LabError(
            f"lab {name} has Kubernetes {found.minor} and {found.nodes} nodes: "
            f"take it down first, or choose another --name"
        )
    return found
