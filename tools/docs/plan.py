"""Which pages are played, in which order, and on what; which blocks are not, and why."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml

from tools.docs import blocks
from tools.docs.blocks import ROOT, SHELL, Block

UNPLAYED = Path(__file__).with_name("unplayed.yaml")


class Scenario(NamedTuple):
    """One page, played from its top to its bottom."""

    page: str
    needs: bool = False
    """Whether a virtual cluster `dev` must be there, of a page that was played before."""
    leaves: bool = False
    """Whether it leaves one."""
    extras: tuple[str, ...] = ()
    """What the host must have beside the API; without it the page is left out."""


# Each group of pages has a host namespace of its own, which they call `team-x`.
SCENARIOS: dict[str, tuple[Scenario, ...]] = {
    "quick-start": (Scenario("docs/quick-start.md"),),
    "ci": (Scenario("docs/how-to/ci.md"),),
    "operated": (
        Scenario("docs/how-to/tenant-limits.md", leaves=True),
        Scenario("docs/cli.md", needs=True, leaves=True),
        Scenario("docs/troubleshooting.md", needs=True, leaves=True),
        Scenario("docs/how-to/upgrade.md", needs=True, leaves=True),
        Scenario("docs/how-to/gitops.md", needs=True, leaves=True),
        Scenario("docs/how-to/backup.md", needs=True, leaves=True),
    ),
    "ingress": (
        Scenario("docs/how-to/ingress.md", needs=True, extras=("traefik", "cert-manager")),
    ),
    "external-datastore": (Scenario("docs/how-to/external-datastore.md", extras=("databases",)),),
    "air-gap": (Scenario("docs/how-to/air-gap.md", extras=("registry",)),),
}
PLAYED = frozenset(each.page for group in SCENARIOS.values() for each in group)


def unplayed() -> dict[str, dict[str, str]]:
    """Return the reasons, by page and first line of the block."""
    listed: dict[str, dict[str, str]] = yaml.safe_load(UNPLAYED.read_text())
    return listed


def with_commands() -> list[Block]:
    """Return every block of every page that has commands."""
    found = [block for page in blocks.pages() for block in blocks.read(page)]
    return [block for block in found if block.language in SHELL]


def to_play(page: str) -> list[Block]:
    """Return the blocks of a page that are played, and those that are its files."""
    left_out = unplayed().get(page, {})
    return [block for block in blocks.read(ROOT / page) if block.first not in left_out]
