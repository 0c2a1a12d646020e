"""The tunnel through which k3s 1.16 dials kubelets: it knows no other way (docs/k3s-contract.md).

An agent of k3s opens a WebSocket to `/v1-k3s/connect` as its node; whatever the API server dials
under that node's name goes through it, to a port on the agent's own loopback. Our virtual nodes all
have the kubelet endpoint's name as their `Hostname`, which is what is dialed: so one tunnel, opened
as a node of that name, serves all of them, and the endpoint behind it notices no difference.

Newer versions dial directly where there is no tunnel, so that none is opened to them.
"""

from syncer.tunnel.client import Door, hold, needed

__all__ = ["Door", "hold", "needed"]
