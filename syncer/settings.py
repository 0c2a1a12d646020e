"""What `run` is told; read from argv and the environment in cli.py, made in run_options.py."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from syncer.identity import Identity
from syncer.translate.context import Scope


class Settings(NamedTuple):
    """One virtual cluster's settings."""

    release: str
    host_namespace: str
    k3s_data_dir: Path
    k3s_kubeconfig: Path
    kubeconfig_out: Path
    kubelet_host: str
    kinds: frozenset[str]
    node_selector: str
    accept_new_datastore: bool
    leader_elect: bool
    own_node: str
    own_address: str
    pod_ip: str
    pod_name: str
    pod_uid: str
    api_port: int
    listen_port: int
    scope: Scope
    """What translation is told, ready-made, but for what the host says: `translation` adds it."""

    def translation(self, ident: Identity, api_ip: str) -> Scope:
        """Return what translation needs to know, now that the host has said who we are there."""
        return self.scope._replace(ident=ident, api_ip=api_ip)
