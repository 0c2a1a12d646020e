"""The syncer alone, restarted beside many pods that are in step: its memory, its CPU, its writes.

More pods than a small machine has room for, so both API servers are simulated (the unit tests'
own, in another process), and seconds would be theirs: what counts is the CPU of the syncer.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from lab.paths import REPO
from syncer.kube.objects import Obj
from syncer.translate import pods
from tests.unit.build import DNS_IP, IDENT, SCOPE, host_node, pod, service
from tests.unit.fake_api import FakeApi
from tests.unit.fake_objects import NOW, Place
from tools.bench import scrape
from tools.bench.context import Context, run
from tools.bench.errors import BenchError
from tools.bench.rows import Row
from tools.bench.scrape import Syncer

SIZES, SMALL = (0, 1_000, 10_000, 100_000), (0, 200)
NODE = "node-1"
CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)
PATIENCE = 1800.0  # seconds, most of them the simulation's


class Still(FakeApi):
    """A server of long lists: what a list selects is found out once, not for each of its pages."""

    def __init__(self) -> None:
        super().__init__(service_range="10.96.0.0/16")
        self._selections: dict[tuple[object, ...], list[Obj]] = {}

    def _chosen(self, place: Place, query: dict[str, str]) -> list[Obj]:
        selectors = (query.get("labelSelector"), query.get("fieldSelector"))
        key = (self.objects.version, place, *selectors)
        if key not in self._selections:
            self._selections = {key: super()._chosen(place, query)}
        return self._selections[key]


def measure(context: Context) -> None:
    """Add the rows of each number of pods."""
    resting = 0.0
    for count in SMALL if context.small else SIZES:
        context.say(f"{count} pods, simulated")
        found = run(partial(_beside, count))
        resting = resting or found.resident_bytes
        key, what = f"alone/{count}", f"alone: restart with {count} pods"
        context.row(Row(f"{key}/cpu", f"{what}, CPU until in step", "s", found.cpu_seconds))
        resident = found.resident_bytes / 2**20
        context.row(Row(f"{key}/rss", f"{what}, memory", "MiB", resident))
        if count:
            each = (found.resident_bytes - resting) / 1000 / count
            context.row(Row(f"{key}/each", f"{what}, memory of a pod", "KB", each))
        writes = scrape.writes(found.host + found.virt)
        context.row(Row(f"{key}/writes", f"{what}, writes", "", float(writes.total())))


async def _beside(count: int) -> Syncer:
    async with Still() as virt, Still() as host:
        furnish(virt, host, count)
        return await restarted(virt, host)


async def restarted(virt: FakeApi, host: FakeApi) -> Syncer:
    """Return the figures of a second syncer, after a first has made what is made once: nodes."""
    await _lone(virt, host)
    for each in (virt, host):
        each.objects.compact()
    return scrape.syncer(await _lone(virt, host))


async def _lone(virt: FakeApi, host: FakeApi) -> str:
    command = (sys.executable, "-m", "tools.bench.lone", virt.url, host.url)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=REPO, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(PATIENCE):
            out, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise BenchError(f"the syncer ended with {process.returncode}: {said.decode()[-2000:]}")
    return out.decode()


def furnish(virt: FakeApi, host: FakeApi, count: int) -> None:
    """Put pods that run into both, and what stands there before a syncer starts."""
    virt.objects.uid_prefix, host.objects.uid_prefix = "virt-uid", "host-uid"
    anchor = host.objects.create("configmaps", IDENT.host_namespace, _named(IDENT.anchor))
    anchor["metadata"]["uid"] = IDENT.uid
    discovered = {**_named(f"{IDENT.release}-discovered"), "data": {}}
    host.objects.create("configmaps", IDENT.host_namespace, discovered)
    host.objects.create("nodes", "", host_node(NODE))
    virt.objects.create("namespaces", "", _named("kube-system"))
    dns = service("kube-dns", "kube-system", clusterIP=DNS_IP)
    virt.objects.create("services", "kube-system", dns)
    for number in range(count):
        made = virt.objects.create("pods", "default", _running(number))
        twin = pods.to_host(made, [], DNS_IP, SCOPE)
        host.objects.create("pods", IDENT.host_namespace, {**twin, "status": made["status"]})
    for each in (virt, host):
        each.objects.compact()


def _named(name: str) -> Obj:
    return {"metadata": {"name": name}}


def _running(number: int) -> Obj:
    """Return a pod with what an API server and a kubelet give to it."""
    address = f"10.42.{number // 250 % 250}.{number % 250 + 1}"
    image = "docker.io/library/nginx@sha256:" + "0" * 64
    started = {"running": {"startedAt": NOW}}
    status = {
        "phase": "Running",
        "conditions": [
            {"type": each, "status": "True", "lastProbeTime": None, "lastTransitionTime": NOW}
            for each in CONDITIONS
        ],
        "containerStatuses": [
            {
                "name": "main",
                "image": "docker.io/library/nginx:1.29",
                "imageID": image,
                "containerID": f"containerd://{number:064x}",
                "lastState": {},
                "ready": True,
                "restartCount": 0,
                "started": True,
                "state": started,
            }
        ],
        "hostIP": "192.168.0.7",
        "hostIPs": [{"ip": "192.168.0.7"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": NOW,
        "qosClass": "Burstable",
    }
    container = {
        "name": "main",
        "image": "nginx:1.29",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    labels = {"app": f"app-{number % 100}", "pod-template-hash": "7987c599f4"}
    return pod(
        f"app-{number}",
        metadata={"labels": labels},
        status=status,
        containers=[container],
        nodeName=NODE,
        automountServiceAccountToken=False,
        serviceAccountName="default",
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
