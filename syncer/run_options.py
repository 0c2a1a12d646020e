"""From the options of `run` to its settings: lists are split, kinds chosen, nonsense refused."""

from __future__ import annotations

from typing import Any

import click

from syncer.identity import Identity
from syncer.settings import Settings
from syncer.sync import kinds
from syncer.translate.context import Scope

UNKNOWN = ""
"""What the host tells later: the anchor's UID, and our Service's address."""


def settings(
    *,
    release: str,
    namespace: str,
    enable_sync_resources: str,
    disable_sync_resources: str,
    workload_service_account: str,
    cluster_domain: str,
    pod_security_standard: str,
    ingress_annotations: str,
    ingress_hosts: str,
    ingress_classes: str,
    storage_classes: str,
    service_types: str,
    max_objects: int,
    pod_node_selector: str,
    hosts_image: str,
    image_registry: str,
    image_pull_secrets: str,
    virtual_scheduler: bool,
    **others: Any,
) -> Settings:
    """Return the settings; `others` are those that are taken as they are given.

    Raises click.UsageError for what contradicts itself or names what does not exist.
    """
    chosen = synced_kinds(enable_sync_resources, disable_sync_resources)
    if virtual_scheduler and "nodes" not in chosen:
        raise click.UsageError("--virtual-scheduler needs --enable-sync-resources=nodes")
    if others["leader_elect"] and not (others["pod_name"] and others["pod_uid"]):
        raise click.UsageError("--leader-elect needs --pod-name and --pod-uid")
    scope = Scope(
        Identity(namespace, release, UNKNOWN),
        workload_service_account=workload_service_account,
        api_ip=UNKNOWN,
        cluster_domain=cluster_domain,
        pod_security=pod_security_standard,
        ingress_annotations=tuple(_split(ingress_annotations)),
        ingress_hosts=tuple(_split(ingress_hosts)),
        ingress_classes=tuple(_split(ingress_classes)),
        claim_classes=tuple(_split(storage_classes)),
        service_types=tuple(_split(service_types)),
        max_objects=max_objects,
        node_selector=node_labels(pod_node_selector),
        hosts_image=hosts_image,
        image_registry=image_registry,
        image_pull_secrets=tuple(_split(image_pull_secrets)),
        virtual_scheduler=virtual_scheduler,
    )
    return Settings(release=release, host_namespace=namespace, kinds=chosen, scope=scope, **others)


def synced_kinds(enable: str, disable: str) -> frozenset[str]:
    """Return the kinds to sync; raise a usage error for names that are none."""
    known = {*kinds.BY_DEFAULT, *kinds.OPT_IN, *kinds.NOT_MIRRORED}
    on, off = set(_split(enable)), set(_split(disable))
    for name in (on | off) - known:
        raise click.UsageError(f"{name!r} is not a kind to sync: use {', '.join(sorted(known))}")
    if "endpoints" in on:
        on.add("endpointslices")
    return frozenset((set(kinds.BY_DEFAULT) | on) - off)


def node_labels(text: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of `a=b,c=d`; raise a usage error for what is none."""
    found = tuple(each.partition("=") for each in _split(text))
    for key, mark, _ in found:
        if not key or not mark:
            raise click.UsageError(f"--pod-node-selector={text}: give labels as key=value")
    return tuple((key, value) for key, _, value in found)


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
