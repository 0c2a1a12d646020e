"""Container logs: the host's log body, handed on piece by piece as it arrives."""

from __future__ import annotations

from http import HTTPStatus

from syncer.kubelet.disconnect import while_connected
from syncer.kubelet.downstream import Downstream
from syncer.kubelet.host_errors import explain
from syncer.kubelet.limits import MAX_ERROR_BODY
from syncer.kubelet.resolve import confirm
from syncer.kubelet.routes import host_target
from syncer.kubelet.types import HostPod, Logs, Service
from syncer.kubelet.upstream import Upstream


async def serve(down: Downstream, request: Logs, host_pod: HostPod, service: Service) -> None:
    """Answer with the log; following ends when either side goes.

    Raises a KubeletError, or ClientGone as soon as nobody reads any more: an upstream that
    follows a quiet log would not notice for hours. The `async with` then closes it at once.
    """
    async with Upstream(service.host_api, service.limits) as upstream:
        await while_connected(down, _pass_on(down, upstream, request, host_pod, service))


async def _pass_on(
    down: Downstream, upstream: Upstream, request: Logs, host_pod: HostPod, service: Service
) -> None:
    # No limit for the answer's head: a kubelet sends it with the first line of the log.
    answer = await upstream.request("GET", host_target(request, host_pod), None)
    if answer.status != HTTPStatus.OK:
        body = await upstream.text(MAX_ERROR_BODY)
        raise explain(answer.status, body, host_pod, request.pod)
    confirm(service.lookup, request, host_pod)
    await down.start(HTTPStatus.OK, [(b"Content-Type", b"text/plain")])
    async for chunk in upstream.body():
        await down.data(chunk)
    await down.end()
