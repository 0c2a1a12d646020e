"""What `run` is told; read from argv and the environment in cli.py only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Settings(NamedTuple):
    """One virtual cluster's settings."""

    release: str
    host_namespace: str
    k3s_data_dir: Path
    k3s_kubeconfig: Path
    kubeconfig_out: Path
    kubelet_host: str
    workload_service_account: str
    pod_security: str
    cluster_domain: str
    kinds: frozenset[str]
    node_selector: str
    virtual_scheduler: bool
    ingress_annotations: tuple[str, ...]
    ingress_hosts: tuple[str, ...]
    ingress_classes: tuple[str, ...]
    claim_classes: tuple[str, ...]
    service_types: tuple[str, ...]
    max_objects: int
    pod_node_selector: tuple[tuple[str, str], ...]
    hosts_image: str
    image_registry: str
    image_pull_secrets: tuple[str, ...]
    accept_new_datastore: bool
    leader_elect: bool
    own_node: str
    own_address: str
    pod_ip: str
    pod_name: str
    pod_uid: str
    api_port: int
    listen_port: int
