"""What translation needs to know besides the object itself."""

from __future__ import annotations

from typing import NamedTuple

from syncer.identity import Identity


class Scope(NamedTuple):
    """The fixed facts of one virtual cluster."""

    ident: Identity
    workload_service_account: str
    api_ip: str
    """The host ClusterIP of our own Service: where pods find their API server."""
    cluster_domain: str = "cluster.local"
    pod_security: str = "baseline"
    ingress_annotations: tuple[str, ...] = ()
    """Keys or `prefix/*` of annotations that may reach a host Ingress."""
    ingress_hosts: tuple[str, ...] = ()
    """Domains under which an Ingress may name hosts; empty for any."""
    ingress_classes: tuple[str, ...] = ()
    """Ingress classes that may be named; empty for any."""
    claim_classes: tuple[str, ...] = ()
    """Storage classes that a claim may name; empty for any."""
    service_types: tuple[str, ...] = ()
    """Types of Services that reach the host; empty for any."""
    max_objects: int = 0
    """How many objects of each kind the host takes at most; 0: any number (threats J1)."""
    node_selector: tuple[tuple[str, str], ...] = ()
    """Node labels that every pod on the host selects, whatever the tenant selects (threats A10)."""
    hosts_image: str = ""
    """Our own image, for the init container of pods with a subdomain; empty: they get none."""
    image_registry: str = ""
    """Where the images of what k3s packages are, a path included; empty: where their names say."""
    image_pull_secrets: tuple[str, ...] = ()
    """Host Secrets by which the virtual cluster's own images, not a tenant's, are pulled."""
    virtual_scheduler: bool = False
    """The virtual cluster's own scheduler chooses the nodes; the host's only puts pods there."""
