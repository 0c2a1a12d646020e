"""All cases whose verdict is about an answer: importing them registers them."""

from __future__ import annotations

from tests.escapes.probes import identity, kubelet, nodes, platform, sabotage
from tests.escapes.probing import PROBES

__all__ = ["PROBES", "identity", "kubelet", "nodes", "platform", "sabotage"]
