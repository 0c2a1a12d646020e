"""The start of the syncer: what is waited for, in which order, and what ends it."""

from __future__ import annotations

import asyncio
import resource
import signal
import time

import structlog

from syncer import dialects, health, kubeconfig, rights, tunnel, upgrade
from syncer.access import Admin, HostAccess, NotReadable, VirtAccess, read_kubeconfig
from syncer.apiservice import ApiService
from syncer.bucket import Bucket
from syncer.client import Client
from syncer.controller import Controller
from syncer.discover import identify
from syncer.errors import ApiError, Forbidden, NotFound, Refused, Unauthorized, Unreachable
from syncer.expiry import Expiries
from syncer.identity import Identity
from syncer.kinds import KINDS
from syncer.kubelet import REQUEST_HEADER_CA, SERVER_CA, KubeletServer, ServingTls
from syncer.lookup import HostForStreams, PodLookup
from syncer.metrics import Metrics
from syncer.metricsapi import PORT, SERVER_NAME, Figures, MetricsApi, Way
from syncer.metricsapi.source import HostMetrics
from syncer.nodes import Nodes
from syncer.progress import Progress
from syncer.resources import CONFIGMAPS, NAMESPACES, RULES_REVIEWS
from syncer.settings import Settings
from syncer.sources import Sources, keep
from syncer.translate.scope import Scope
from syncer.world import World

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
    server = await health.serve(progress.waits_for, own, address, settings.listen_port)
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
    host_bucket = Bucket(HOST_RATE, HOST_BURST, time.monotonic)
    async with Client("host", access, host_bucket) as host:
        progress.clients.append(host)
        await _check_rights(host, settings)
        ident = await identify(host, settings.host_namespace, settings.release)
        api_ip = await _api_ip(host, ident)
        progress.stage = "waiting for the kubeconfig of k3s"
        admin = await _admin(settings)
        virt_bucket = Bucket(VIRT_RATE, VIRT_BURST, time.monotonic)
        async with Client("virt", VirtAccess(admin), virt_bucket) as virt:
            progress.clients.append(virt)
            await _publish(host, ident, admin, settings)
            world = _world(settings, ident, api_ip)
            tls = ServingTls(settings.k3s_data_dir / "server" / "tls", [settings.kubelet_host])
            kubelet = KubeletServer(tls, PodLookup(world), HostForStreams(access))
            door = tunnel.Door(admin.server, admin.ca, tls.directory, settings.kubelet_host)
            try:
                await _sync(settings, progress, world, virt, host, kubelet, door)
            finally:
                await kubelet.aclose()


async def _sync(
    settings: Settings,
    progress: Progress,
    world: World,
    virt: Client,
    host: Client,
    kubelet: KubeletServer,
    door: tunnel.Door,
) -> None:
    api_service = ApiService(world, virt, settings.pod_ip, settings.api_port)
    progress.stage = "waiting for the virtual API server"
    # The host's answers first: k3s takes longer to start than they do.
    host_version = progress.versions["host"] = await dialects.version(host)
    kinds = settings.kinds - await dialects.learn(host, settings.kinds)
    await _until_ready(virt)
    virt_version = progress.versions["virt"] = await dialects.version(virt)
    kinds -= await dialects.learn(virt, kinds)
    sources = Sources(world, virt, host, kinds, api_service.endpoints, settings.node_selector)
    nodes = Nodes(
        world,
        virt,
        kubelet,
        kubelet_host=settings.kubelet_host,
        kubelet_version=host_version,
        own_node=settings.own_node,
        own_address=settings.own_address,
        real="nodes" in kinds,
        only_real="nodes" in kinds and (settings.virtual_scheduler or not settings.node_selector),
    )
    controller = Controller(world, virt, host, nodes, api_service, sources, kinds)
    sources.on_hold = controller.hold
    sources.on_confirm = controller.confirm
    progress.sources = sources
    metrics = _metrics(settings, progress, world, virt, host)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep(sources))
        tasks.create_task(metrics.run())
        tasks.create_task(upgrade.record(host, world.ident, virt_version))
        if tunnel.needed(virt_version):
            tasks.create_task(tunnel.hold(door, kubelet.serves))
        await sources.synced()
        if not await sources.recognise(accept=settings.accept_new_datastore):
            controller.hold(sources.twins(), "the datastore is not the one of the host objects")
        progress.controller = controller
        known = {"virtual": world.virt, "host": world.host}
        counts = {
            f"{side}_objects": sum(map(len, stores.values())) for side, stores in known.items()
        }
        log.info("in step", **counts, deletions_held=len(world.frozen))
        await controller.run()


def _metrics(
    settings: Settings, progress: Progress, world: World, virt: Client, host: Client
) -> MetricsApi:
    directory = settings.k3s_data_dir / "server" / "tls"
    answers = Figures(
        world,
        HostMetrics(host, world.ident, time.monotonic),
        lambda: progress.controller is not None and progress.controller.started,
        whole_nodes="nodemetrics" in settings.kinds,
    )
    way = Way(settings.kubelet_host, PORT, directory / SERVER_CA)
    tls = ServingTls(directory, [SERVER_NAME], client_ca=REQUEST_HEADER_CA)
    return MetricsApi(virt, answers, way, tls, on="metrics" in settings.kinds)


def _world(settings: Settings, ident: Identity, api_ip: str) -> World:
    scope = Scope(
        ident,
        workload_service_account=settings.workload_service_account,
        api_ip=api_ip,
        cluster_domain=settings.cluster_domain,
        pod_security=settings.pod_security,
        ingress_annotations=settings.ingress_annotations,
        ingress_hosts=settings.ingress_hosts,
        ingress_classes=settings.ingress_classes,
        claim_classes=settings.claim_classes,
        node_selector=settings.pod_node_selector,
        hosts_image=settings.hosts_image,
        virtual_scheduler=settings.virtual_scheduler,
    )
    return World(scope, [*KINDS, "pods", "nodes", "events"])


async def _check_rights(host: Client, settings: Settings) -> None:
    review = {
        "apiVersion": RULES_REVIEWS.api_version,
        "kind": RULES_REVIEWS.kind,
        "spec": {"namespace": settings.host_namespace},
    }
    try:
        answer = await host.create(RULES_REVIEWS, "", review)
    except (Forbidden, NotFound):
        return  # the requests themselves will tell
    cure = f"helm upgrade {settings.release} -n {settings.host_namespace}"
    if lacking := rights.missing(answer, settings.kinds, cluster=False):
        raise Refused(
            "MissingRight",
            f"the host Role of {settings.release} does not grant: {', '.join(lacking)}. Restore it"
            f" with: {cure}",
        )
    if lacking := rights.missing(answer, settings.kinds, cluster=True):
        name = f"virtualcluster:{settings.host_namespace}:{settings.release}"
        raise Refused(
            "MissingRight",
            f"the host ClusterRole {name} does not grant, or nobody bound it: {', '.join(lacking)}."
            f" Restore it, as a user who may create ClusterRoles, with: {cure}; or switch off the"
            " value that asks for it",
        )


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


async def _publish(host: Client, ident: Identity, admin: Admin, settings: Settings) -> None:
    kubeconfig.write(admin, settings.api_port, ident.release, settings.kubeconfig_out)
    await kubeconfig.publish(host, ident, admin, settings.api_port)


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
            log.debug("the virtual API is not ready", error=str(error))
        else:
            return
        await asyncio.sleep(GLANCE)
