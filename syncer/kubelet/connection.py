"""The life of one connection: requests in, answers out, and the only place that reports errors."""

from __future__ import annotations

from http import HTTPStatus

import structlog

from syncer.kubelet import logs, routes, streams
from syncer.kubelet.downstream import Downstream, Inbound
from syncer.kubelet.errors import (
    Answer,
    BadRequest,
    ClientGone,
    Forbidden,
    KubeletError,
    answer_to,
)
from syncer.kubelet.headers import proposal
from syncer.kubelet.limits import Slots
from syncer.kubelet.resolve import resolve
from syncer.kubelet.types import Health, Logs, Service, Stream

log = structlog.get_logger()
_TEXT = [(b"Content-Type", b"text/plain")]
_JSON = [(b"Content-Type", b"application/json")]
_LAST = (b"Connection", b"close")


class Connection:
    """Serves one client connection until either side is done with it."""

    def __init__(
        self, down: Downstream, service: Service, slots: Slots, node: str, *, trusted: bool
    ) -> None:
        self._down = down
        self._service = service
        self._slots = slots
        self._trusted = trusted
        self._log = log.bind(node=node)

    async def serve(self) -> None:
        """Answer requests one after the other; an error's answer is the connection's last."""
        text = False
        try:
            while (inbound := await self._down.next_request()) is not None:
                text = inbound.target.startswith("/containerLogs/")
                await self._handle(inbound)
                if not self._down.next_cycle():
                    return
        except ClientGone:
            self._log.debug("client disconnected")
        except KubeletError as error:
            await self._refuse(error, text=text)
        except Exception as error:  # noqa: BLE001 (a defect must not leave the caller waiting)
            self._log.exception("kubelet request crashed", error=type(error).__name__)
            await self._refuse(KubeletError("the syncer failed; its log says why"), text=text)

    async def _handle(self, inbound: Inbound) -> None:
        if not self._trusted:
            raise Forbidden("the client certificate is not the API server's")
        upgrade = proposal(inbound.headers)
        request = routes.parse(inbound.method, inbound.target)
        if isinstance(request, Stream):
            with self._slots.take():
                host_pod = resolve(self._service.lookup, request)
                await streams.serve(
                    self._down,
                    request,
                    inbound.method,
                    upgrade,
                    host_pod=host_pod,
                    service=self._service,
                )
        elif upgrade is not None:
            raise BadRequest("this path serves no upgrades")
        elif isinstance(request, Logs):
            with self._slots.take():
                host_pod = resolve(self._service.lookup, request)
                await logs.serve(self._down, request, host_pod, self._service)
        elif isinstance(request, Health):
            await self._down.reply(HTTPStatus.OK, _TEXT, b"ok")

    async def _refuse(self, error: KubeletError, *, text: bool) -> None:
        """Report an error once and, when no answer has begun, answer with it."""
        answer = answer_to(error)
        self._report(error, answer)
        if not self._down.answerable():
            # The reader must see that the body is cut short, not that it ends here.
            await self._down.stream.aclose()
            return
        kind, body = (_TEXT, answer.text()) if text else (_JSON, answer.status())
        try:
            await self._down.reply(answer.code, [*kind, _LAST], body)
        except ClientGone:
            self._log.debug("client disconnected")

    def _report(self, error: KubeletError, answer: Answer) -> None:
        cause = error.__cause__
        keys = {"code": answer.code, "error": type(error).__name__, "reason": answer.message}
        if answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # Only the text of an OSError is free of what was sent.
            detail = repr(cause) if isinstance(cause, OSError) else type(cause).__name__
            self._log.error("kubelet request failed", **keys, cause=detail)
        else:
            self._log.debug("kubelet request refused", **keys)
