"""Every flag of `run` arrives: a forgotten one would be a flag that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncer.cli import run_command
from syncer.identity import Identity
from syncer.run_options import settings
from syncer.settings import Settings
from syncer.sync.kinds import BY_DEFAULT
from syncer.translate.context import Scope

GIVEN = {
    "release": "vc",
    "namespace": "team-x",
    "workload_service_account": "vc-workload",
    "own_node": "node-1",
    "pod_ip": "10.42.0.9",
    "pod_name": "vc-0",
    "pod_uid": "uid-0",
    "enable_sync_resources": "nodes",
}
"""What every call has; the virtual scheduler and the election need the last three."""
OTHER: dict[str, tuple[object, str, object]] = {
    "release": ("other", "release", "other"),
    "namespace": ("other", "host_namespace", "other"),
    "k3s_data_dir": ("/other", "k3s_data_dir", Path("/other")),
    "k3s_kubeconfig": ("/other", "k3s_kubeconfig", Path("/other")),
    "kubeconfig_out": ("/other", "kubeconfig_out", Path("/other")),
    "kubelet_host": ("other", "kubelet_host", "other"),
    "workload_service_account": ("other", "scope.workload_service_account", "other"),
    "pod_security_standard": ("restricted", "scope.pod_security", "restricted"),
    "cluster_domain": ("other", "scope.cluster_domain", "other"),
    "enable_sync_resources": (
        "nodes,storageclasses",
        "kinds",
        frozenset({*BY_DEFAULT, "nodes", "storageclasses"}),
    ),
    "disable_sync_resources": (
        "ingresses",
        "kinds",
        frozenset({*BY_DEFAULT, "nodes"} - {"ingresses"}),
    ),
    "node_selector": ("a=b", "node_selector", "a=b"),
    "virtual_scheduler": (True, "scope.virtual_scheduler", True),
    "ingress_annotations": ("a/b, c/*", "scope.ingress_annotations", ("a/b", "c/*")),
    "ingress_hosts": ("a.example,b.example", "scope.ingress_hosts", ("a.example", "b.example")),
    "ingress_classes": ("a,b", "scope.ingress_classes", ("a", "b")),
    "storage_classes": ("a,b", "scope.claim_classes", ("a", "b")),
    "service_types": ("ClusterIP,NodePort", "scope.service_types", ("ClusterIP", "NodePort")),
    "max_objects": ("7", "scope.max_objects", 7),
    "pod_node_selector": ("a=b", "scope.node_selector", (("a", "b"),)),
    "hosts_image": ("other", "scope.hosts_image", "other"),
    "image_registry": ("other", "scope.image_registry", "other"),
    "image_pull_secrets": ("a,b", "scope.image_pull_secrets", ("a", "b")),
    "accept_new_datastore": (True, "accept_new_datastore", True),
    "leader_elect": (True, "leader_elect", True),
    "api_port": ("7", "api_port", 7),
    "listen_port": ("7", "listen_port", 7),
    "own_node": ("other", "own_node", "other"),
    "own_address": ("10.0.0.7", "own_address", "10.0.0.7"),
    "pod_ip": ("10.0.0.7", "pod_ip", "10.0.0.7"),
    "pod_name": ("other", "pod_name", "other"),
    "pod_uid": ("other", "pod_uid", "other"),
}
"""By flag: another value than it has by default; where it arrives, and as what."""
OF_THE_LOG = {"log_level", "log_format"}
"""Taken by cli.py itself."""
FLAGS = [each.name for each in run_command.params if each.name not in OF_THE_LOG]


def _made(**more: object) -> Settings:
    args = []
    for name, value in {**GIVEN, **more}.items():
        flag = f"--{name.replace('_', '-')}"
        args.append(flag if value is True else f"{flag}={value}")
    params = run_command.make_context("run", args).params
    return settings(**{name: value for name, value in params.items() if name not in OF_THE_LOG})


def _changed(before: Settings, after: Settings) -> dict[str, Any]:
    """Return by name what the second has otherwise, of both the settings and their scope."""
    changed = dict(_differences(before, after))
    changed.pop("scope", None)
    scope = _differences(before.scope, after.scope)
    return changed | {f"scope.{field}": value for field, value in scope}


def _differences(before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    for field in before._fields:
        if getattr(before, field) != getattr(after, field):
            yield field, getattr(after, field)


def test_no_flag_is_forgotten_here() -> None:
    assert set(FLAGS) == OTHER.keys()


@pytest.mark.parametrize("flag", FLAGS)
def test_flag_arrives_where_it_is_meant_to(flag: str) -> None:
    value, field, expected = OTHER[flag]
    changed = _changed(_made(), _made(**{flag: value}))
    if flag in ("release", "namespace"):  # they also name who we are on the host
        ident = changed.pop("scope.ident")
        assert getattr(ident, field) == expected
    assert changed == {field: expected}


def test_every_setting_has_a_flag() -> None:
    """A field with a default that nobody gives would be a constant in disguise."""
    reached = {field for _, field, _ in OTHER.values()}
    from_the_host = {"scope.ident", "scope.api_ip"}
    wanted = {*Settings._fields, *(f"scope.{field}" for field in Scope._fields)} - {"scope"}
    assert reached | from_the_host == wanted


def test_host_adds_who_we_are_and_changes_nothing_else() -> None:
    made = _made(max_objects="7", hosts_image="other")
    ident = Identity("team-x", "vc", "anchor-uid")
    told = made.translation(ident, "10.96.0.9")
    assert dict(_differences(made.scope, told)) == {"ident": ident, "api_ip": "10.96.0.9"}
