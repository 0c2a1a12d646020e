"""The command line: the only reader of argv and the environment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import click
import structlog
import uvloop

from syncer import run_options
from syncer.errors import ApiError, LostLease, Refused, Unreachable
from syncer.kube import version
from syncer.kube.auth import HostAccess
from syncer.kube.client import Client
from syncer.kube.ratelimit import Bucket
from syncer.log import STYLES, configure
from syncer.startup.discover import Token, discover, identify
from syncer.startup.preflight import check_default_storage_class
from syncer.startup.service_cidr import check_ranges, parse_ranges, service_ranges
from syncer.translate.podsecurity import LEVELS

log = structlog.get_logger()
KNOWN = (Refused, ApiError, Unreachable, LostLease)


def _finish(work: Awaitable[None]) -> None:
    """Run to the end; what the operator can mend is one clear line, not a stack trace."""

    async def whole() -> None:
        await work

    try:
        uvloop.run(whole())
    except asyncio.CancelledError:
        return  # SIGTERM
    except KNOWN as error:
        log.error("stopped", error=str(error))  # noqa: TRY400 (no trace: it says it all)
    except BaseExceptionGroup as group:
        known, bugs = group.split((*KNOWN, asyncio.CancelledError))
        if bugs is not None:
            raise
        causes = [] if known is None else _leaves(known)
        for leaf in causes:
            log.error("stopped", error=str(leaf))  # noqa: TRY400
        if not causes:
            return
    else:
        return
    sys.exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return what went wrong; cancellations only followed from it."""
    found: list[BaseException] = []
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            found += _leaves(each)
        elif not isinstance(each, asyncio.CancelledError):
            found.append(each)
    return found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Let what the operator can mend be one clear line here too."""
    try:
        yield
    except Refused as error:
        log.error("stopped", error=str(error))  # noqa: TRY400
        sys.exit(1)


async def _on_host(work: Callable[[Client], Awaitable[None]]) -> None:
    async with Client("host", HostAccess(), Bucket(50.0, 50, time.monotonic)) as host:
        await work(host)


@click.group(context_settings={"auto_envvar_prefix": "SYNCER", "show_default": True})
@click.version_option(version.own())
def main() -> None:
    """Mirror a virtual cluster's workloads into one namespace of its host."""
    configure("info")


release_option = click.option("--release", required=True, help="The Helm release's name.")
namespace_option = click.option("--namespace", required=True, help="The host namespace.")
range_option = click.option(
    "--virt-service-cidr", default="", help="The user's own --service-cidr for k3s."
)
data_dir_option = click.option("--k3s-data-dir", default="/data", type=click.Path(path_type=Path))


@main.command("discover")
@release_option
@namespace_option
@range_option
@click.option("--cluster-dns-given", is_flag=True, help="The user gives --cluster-dns to k3s.")
@click.option("--k3s-token-secret", default="", help="Make this Secret with a token for k3s.")
@click.option("--keep-k3s-token", is_flag=True, help="It is to outlive the installation.")
@click.option("--k3s-version", default="", help="The k3s that starts next; empty: any may.")
def discover_command(
    release: str,
    namespace: str,
    virt_service_cidr: str,
    *,
    cluster_dns_given: bool,
    k3s_token_secret: str,
    keep_k3s_token: bool,
    k3s_version: str,
) -> None:
    """Find out the host's Service range and our addresses; write them into a ConfigMap."""

    async def work(host: Client) -> None:
        ident = await identify(host, namespace, release)
        ranges = parse_ranges(virt_service_cidr)
        token = Token(k3s_token_secret, keep_k3s_token) if k3s_token_secret else None
        await discover(
            host,
            ident,
            ranges,
            reserve_dns=not cluster_dns_given,
            k3s_version=k3s_version,
            token=token,
        )

    _finish(_on_host(work))


@main.command("preflight")
@release_option
@namespace_option
@range_option
@click.option("--check-default-storage-class", "storage", is_flag=True)
def preflight_command(
    release: str, namespace: str, virt_service_cidr: str, *, storage: bool
) -> None:
    """Say what would make an installation fail, before anything of it is made."""

    async def work(host: Client) -> None:
        ranges = parse_ranges(virt_service_cidr)
        inside = HostAccess().host
        if ranges and inside.replace(".", "").isdigit():  # some providers give a name here
            check_ranges(ranges, await service_ranges(host, namespace, inside))
        if storage:
            await check_default_storage_class(host, namespace)
        log.info("preflight passed", release=release)

    _finish(_on_host(work))


@main.command("backup")
@release_option
@namespace_option
@data_dir_option
@click.option("--k3s-version", default="", help="The k3s that served the datastore last.")
def backup_command(release: str, namespace: str, k3s_data_dir: Path, k3s_version: str) -> None:
    """Write the virtual cluster's state to stdout as it is now, while it runs."""
    from syncer.backup.create import About, backup  # noqa: PLC0415 (as in run_command)

    about = About(release, namespace, k3s_version)
    scratch = Path(tempfile.gettempdir())
    with _told():
        made = backup(sys.stdout.buffer, k3s_data_dir, about, scratch)
        log.info("backup complete", revision=made.revision, files=len(made.files), bytes=made.size)


@main.command("restore")
@data_dir_option
@click.option("--size", required=True, type=int, help="How many bytes of stdin are the backup.")
def restore_command(k3s_data_dir: Path, size: int) -> None:
    """Replace the virtual cluster's state by the backup on stdin. k3s must not be running."""
    from syncer.backup.restore import restore  # noqa: PLC0415 (as in run_command)

    os.umask(0o077)
    with _told():
        made = restore(sys.stdin.buffer, size, k3s_data_dir)
        log.info("restore complete", revision=made.revision, files=len(made.files), bytes=made.size)


@main.command("run")
@release_option
@namespace_option
@data_dir_option
@click.option(
    "--k3s-kubeconfig",
    default="/k3s-config/kube-config.yaml",
    type=click.Path(path_type=Path),
)
@click.option("--kubeconfig-out", default="/root/.kube/config", type=click.Path(path_type=Path))
@click.option("--kubelet-host", default="kubelet.virtualcluster.internal")
@click.option("--workload-service-account", required=True)
@click.option("--pod-security-standard", default="baseline", type=click.Choice(LEVELS))
@click.option("--cluster-domain", default="cluster.local")
@click.option("--enable-sync-resources", default="", help="Kinds to sync besides the usual ones.")
@click.option("--disable-sync-resources", default="", help="Kinds not to sync.")
@click.option("--node-selector", default="", help="Show only host nodes with these labels.")
@click.option("--virtual-scheduler", is_flag=True, help="k3s runs a scheduler, which decides.")
@click.option("--ingress-annotations", default="", help="Keys, or prefix*, that may pass.")
@click.option("--ingress-hosts", default="", help="Domains that ingresses may name; any if empty.")
@click.option("--ingress-classes", default="", help="Classes they may name; any if empty.")
@click.option("--storage-classes", default="", help="Classes of claims; any if empty.")
@click.option("--service-types", default="", help="Types that may pass; any if empty.")
@click.option("--max-objects", default=0, help="Most objects of a kind on the host; 0: any number.")
@click.option(
    "--pod-node-selector", default="", help="Labels, a=b, of the nodes that pods may use."
)
@click.option("--hosts-image", default="", help="Our own image; pods with a subdomain need it.")
@click.option("--image-registry", default="", help="Where the images that k3s packages are.")
@click.option("--image-pull-secrets", default="", help="For these and our own; not for tenants'.")
@click.option("--accept-new-datastore", is_flag=True, help="The datastore does not outlive a pod.")
@click.option("--leader-elect", is_flag=True, help="There are several replicas: one leads.")
@click.option("--log-level", default="info", type=click.Choice(("debug", "info", "warning")))
@click.option(
    "--log-format",
    default="auto",
    type=click.Choice(STYLES),
    help="auto: text on a terminal, else one JSON object a line.",
)
@click.option("--api-port", default=8443)
@click.option("--listen-port", default=8081)
@click.option("--own-node", envvar="HOST_NODE_NAME", required=True)
@click.option("--own-address", envvar="HOST_IP", default="")
@click.option("--pod-ip", envvar="POD_IP", required=True)
@click.option("--pod-name", envvar="POD_NAME", default="")
@click.option("--pod-uid", envvar="POD_UID", default="")
def run_command(*, log_level: str, log_format: str, **given: Any) -> None:
    """Sync until told to stop."""
    # Not at the top: the two short commands above are in the way of every installation, and half of
    # their time would go into importing what they never use.
    from syncer.app.run import run  # noqa: PLC0415

    configure(log_level, log_format)
    _finish(run(run_options.settings(**given)))
