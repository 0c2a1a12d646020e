"""The start of the syncer: what is waited for, in which order, and what ends it."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

import structlog

from syncer import tunnel
from syncer.app.kubelet_backend import HostForStreams, PodLookup
from syncer.app.replica import Parts, Replica
from syncer.errors import ApiError, Forbidden, NotFound, Unauthorized, Unreachable
from syncer.identity import Identity
from syncer.kube.auth import Access, Admin, HostAccess, NotReadable, VirtAccess, read_kubeconfig
from syncer.kube.client import Client
from syncer.kube.ratelimit import Bucket
from syncer.kube.resources import CONFIGMAPS, NAMESPACES
from syncer.kube.transient import until_answered
from syncer.kubelet import (
    REQUEST_HEADER_CA,
    SERVER_CA,
    ApiServerKey,
    KubeletServer,
    ServingTls,
)
from syncer.leader.election import Leader
from syncer.metricsapi import PORT, SERVER_NAME, Figures, MetricsApi, Way
from syncer.metricsapi.host_metrics import HostMetrics
from syncer.settings import Settings
from syncer.startup import api_versions
from syncer.startup.admin_credentials import Credentials
from syncer.startup.discover import identify
from syncer.startup.permission_check import check_rights
from syncer.state.cluster import World
from syncer.sync.informers import keep
from syncer.sync.kinds import KINDS
from syncer.telemetry import http
from syncer.telemetry.cert_expiry import Expiries
from syncer.telemetry.metrics import Metrics
from syncer.telemetry.readiness import Progress

log = structlog.get_logger()
GLANCE = 0.1  # seconds between two looks at what k3s has not made yet
HOST_RATE, HOST_BURST = 100.0, 200  # requests: one tenant must not be felt by the others
VIRT_RATE, VIRT_BURST = 1000.0, 1000  # our own API server


async def run(settings: Settings) -> None:
    """Sync until SIGTERM. Raises Refused for what only the operator can mend."""
    _allow_open_files()
    progress = Progress()
    tls = settings.k3s_data_dir / "server" / "tls"
    progress.expiries = Expiries(tls)
    own = Metrics(progress)
    address = "0.0.0.0"  # noqa: S104 (probes come to the pod's own address)
    server = await http.serve(progress.checks, own, address, settings.listen_port)
    task = asyncio.current_task()
    if task is not None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await _run(settings, progress)
    finally:
        await server.cleanup()


def _allow_open_files() -> None:
    """Take all the file descriptors that we may have: each stream of `kubectl exec` needs two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _run(settings: Settings, progress: Progress) -> None:
    access = HostAccess()
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(_client("host", access))
        progress.clients.append(host)
        progress.stage = "waiting for the host's API server"
        await until_answered("the rights on the host", lambda: check_rights(host, settings))
        ident = await until_answered(
            "the anchor", lambda: identify(host, settings.host_namespace, settings.release)
        )
        api_ip = await until_answered("what was discovered", lambda: _api_ip(host, ident))
        if settings.leader_elect:
            # Of its own: what the syncing asks for must not hold up the Lease.
            voter = await stack.enter_async_context(_client("host", access))
            name = f"{settings.pod_name}_{settings.pod_uid}"
            progress.leader = Leader(voter, ident, name)
            host.may_write = progress.leader.holds
        progress.stage = "waiting for the kubeconfig of k3s"
        admin = await _admin(settings)
        virt_access = VirtAccess(admin)
        virt = await stack.enter_async_context(_client("virt", virt_access))
        virt.may_write = host.may_write
        progress.clients.append(virt)
        credentials = Credentials(settings, ident, virt_access, virt, host)
        await until_answered("the kubeconfig's Secret", credentials.hand_out)
        world = World(settings.translation(ident, api_ip), [*KINDS, "pods", "nodes", "events"])
        tls = ServingTls(settings.k3s_data_dir / "server" / "tls", [settings.kubelet_host])
        callers = ApiServerKey(tls.directory)
        kubelet = KubeletServer(tls, callers, PodLookup(world), HostForStreams(access))
        door = tunnel.Door(admin.server, admin.ca, tls.directory, settings.kubelet_host)
        try:
            parts = Parts(settings, progress, world, virt, host, credentials.publish, kubelet)
            await _sync(parts, credentials, lambda: tunnel.hold(door, kubelet.serves))
        finally:
            await kubelet.aclose()


def _client(side: str, access: Access) -> Client:
    rate, burst = (HOST_RATE, HOST_BURST) if side == "host" else (VIRT_RATE, VIRT_BURST)
    return Client(side, access, Bucket(rate, burst, time.monotonic))


async def _sync(
    parts: Parts, credentials: Credentials, hold_tunnel: Callable[[], Coroutine[None, None, None]]
) -> None:
    settings, progress, virt, host = parts.settings, parts.progress, parts.virt, parts.host
    progress.stage = "waiting for the virtual API server"
    # The host's answers first: k3s takes longer to start than they do.
    host_version = progress.versions["host"] = await until_answered(
        "the host's version", lambda: api_versions.version(host)
    )
    lacking = await until_answered(
        "the host's kinds", lambda: api_versions.learn(host, settings.kinds)
    )
    kinds = settings.kinds - lacking
    await _until_ready(virt)
    virt_version = progress.versions["virt"] = await until_answered(
        "the virtual version", lambda: api_versions.version(virt)
    )
    kinds -= await until_answered(
        "the virtual kinds", lambda: api_versions.learn(virt, settings.kinds)
    )
    replica = Replica(parts, kinds, host_version, virt_version)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep(replica.sources))
            tasks.create_task(replica.pulse.run())
            tasks.create_task(credentials.follow())
            tasks.create_task(_metrics(parts).run())
            if tunnel.needed(virt_version):
                tasks.create_task(hold_tunnel())
            if progress.leader is None:
                await replica.alone()
            else:
                await replica.elected(progress.leader)
    finally:
        if progress.leader is not None:
            # Once every task has ended, so that nothing is written after it.
            await progress.leader.release()


def _metrics(parts: Parts) -> MetricsApi:
    settings, progress = parts.settings, parts.progress
    directory = settings.k3s_data_dir / "server" / "tls"
    answers = Figures(
        parts.world,
        HostMetrics(parts.host, parts.world.ident, time.monotonic),
        lambda: progress.in_step,
        whole_nodes="nodemetrics" in settings.kinds,
    )
    way = Way(settings.kubelet_host, PORT, directory / SERVER_CA)
    tls = ServingTls(directory, [SERVER_NAME], client_ca=REQUEST_HEADER_CA)
    on = "metrics" in settings.kinds
    return MetricsApi(parts.virt, answers, way, tls, on=on, leads=parts.virt.may_write)


async def _api_ip(host: Client, ident: Identity) -> str:
    discovered = await host.get(CONFIGMAPS, ident.host_namespace, f"{ident.release}-discovered")
    return str(discovered["data"]["SERVICE_IP"])


async def _admin(settings: Settings) -> Admin:
    """Wait for a whole kubeconfig: k3s writes it at each start, and not at once."""
    while True:
        try:
            return read_kubeconfig(settings.k3s_kubeconfig)
        except NotReadable:
            await asyncio.sleep(GLANCE)


async def _until_ready(virt: Client) -> None:
    """Wait until the API answers: a kubeconfig that exists is not an API that is ready."""
    while True:
        try:
            await virt.get(NAMESPACES, "", "kube-system")
        except (NotFound, Unreachable, Forbidden):
            pass
        except Unauthorized:
            raise  # k3s has written other credentials since: start over with them
        except ApiError as error:
            log.debug("virtual API not ready", error=str(error))
        else:
            return
        await asyncio.sleep(GLANCE)
