"""exec, attach and port-forward: ask the host for the same upgrade, then copy bytes both ways.

Raw copying begins only after the host's 101 (CVE-2018-1002105 began it earlier); any other answer
is told as an ordinary error and ends the connection.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from syncer.kubelet.disconnect import while_connected
from syncer.kubelet.downstream import Downstream
from syncer.kubelet.errors import HostTimeout, HostUnavailable
from syncer.kubelet.headers import Upgrade, switching
from syncer.kubelet.host_errors import explain
from syncer.kubelet.limits import MAX_ERROR_BODY
from syncer.kubelet.relay import relay
from syncer.kubelet.resolve import confirm
from syncer.kubelet.routes import host_target
from syncer.kubelet.types import HostPod, Service, Stream
from syncer.kubelet.upstream import HostAnswer, Upstream


async def serve(
    down: Downstream,
    request: Stream,
    method: str,
    upgrade: Upgrade | None,
    *,
    host_pod: HostPod,
    service: Service,
) -> None:
    """Serve one stream to its end; raises a KubeletError only while nothing has been answered.

    Without an upgrade the host is asked all the same: its refusal is the answer.
    """
    async with Upstream(service.host_api, service.limits) as upstream:
        asked = upgrade.method if upgrade else method, host_target(request, host_pod), upgrade
        work = _ask(upstream, asked, service.limits.host_answer)
        answer, body = await while_connected(down, work)
        if upgrade is None or answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
            raise explain(answer.status, body, host_pod, request.pod)
        switched = switching(upgrade, answer.headers)
        if switched is None:
            raise HostUnavailable("the host API switched to another protocol than asked for")
        confirm(service.lookup, request, host_pod)
        early = await down.switch(switched)
        await relay(down.stream, upstream.stream, early, upstream.trailing(), service.limits)


async def _ask(
    upstream: Upstream, asked: tuple[str, str, Upgrade | None], seconds: float
) -> tuple[HostAnswer, bytes]:
    """Return the host's answer, with its body unless it is a 101."""
    try:
        async with asyncio.timeout(seconds):
            answer = await upstream.request(*asked)
            if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
                return answer, b""
            return answer, await upstream.text(MAX_ERROR_BODY)
    except TimeoutError as error:
        raise HostTimeout("the host API did not answer in time") from error
