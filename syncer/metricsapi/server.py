"""Answers for the group metrics.k8s.io, to the virtual cluster's API server and nobody else.

The API server authenticates and authorizes whoever asks before its aggregator passes a request on
(RBAC of the virtual cluster: pods.metrics.k8s.io), and says so by its front-proxy certificate. That
certificate is all that is asked for here; k3s keeps it, and signs no other with that CA.

Discovery is answered without asking the host: when the discovery of one group fails, no namespace
of the virtual cluster can be deleted.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
import structlog
from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import NameOID

from syncer.kube.objects import Obj
from syncer.kubelet import CertificateError, ServingTls
from syncer.metricsapi import negotiation, responses
from syncer.metricsapi import usage as figures
from syncer.metricsapi.host_metrics import HostMetrics, Unavailable
from syncer.metricsapi.responses import GROUP, GROUP_VERSION, NODES, PODS, Served
from syncer.metricsapi.selectors import (
    BadSelector,
    fields_meet,
    labels_meet,
    parse_fields,
    parse_labels,
)
from syncer.metricsapi.usage import Usage
from syncer.state.cluster import World

log = structlog.get_logger()
LOOPBACK = "127.0.0.1"
FRONT_PROXY = "system:auth-proxy"  # k3s' --requestheader-allowed-names, in every version
KEEP_ALIVE = 120.0  # seconds; longer than Go's client keeps a connection, so that it ends it
ALERT_INTERNAL = 80  # TLS' internal_error
DISCOVERY_TYPE = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Figures(NamedTuple):
    """Where the answers come from."""

    world: World
    source: HostMetrics
    started: Callable[[], bool]
    """Whether all pods of both sides are known; before that, nothing can be said about them."""
    whole_nodes: bool
    """The host lets us read its nodes' figures; without, a node's are those of our own pods."""

    async def usages(self, served: Served) -> list[Usage]:
        """Return all figures of a resource; raise Unavailable."""
        if not self.started():
            raise Unavailable("the syncer has just been started: try again")
        if served is NODES and self.whole_nodes:
            return figures.of_nodes(self.world, await self.source.nodes())
        pods = figures.of_pods(self.world, await self.source.pods())
        if served is PODS:
            return pods
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return figures.sums_by_node(self.world, pods, now)


class _Failure(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = _json(responses.failure(code, reason, message), code)


async def serve(tls: ServingTls, port: int, answers: Figures) -> web.AppRunner:
    """Start serving on loopback; the caller cleans the runner up.

    Raises CertificateError while k3s has made no CA, OSError when the port is taken.
    """
    context = _context(tls)
    runner = web.AppRunner(_application(answers), access_log=None, keepalive_timeout=KEEP_ALIVE)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port, ssl_context=context).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def _application(answers: Figures) -> web.Application:
    async def get(request: web.Request) -> web.StreamResponse:
        served = PODS if request.path.endswith("/pods") or "pod" in request.match_info else NODES
        return await _metrics(request, answers, served)

    root = f"/apis/{GROUP_VERSION}"
    app = web.Application(middlewares=[_guard])
    app.add_routes(
        [
            web.get("/apis", _apis),
            web.get(f"/apis/{GROUP}", _fixed(responses.group())),
            web.get(root, _fixed(responses.resource_list())),
            # Without any the API server would log an error for each of its many attempts.
            web.get("/openapi/v2", _fixed(responses.specification())),
            web.get("/openapi/v3", _fixed({"paths": {}})),
            web.get(f"{root}/nodes", get),
            web.get(f"{root}/nodes/{{node}}", get),
            web.get(f"{root}/pods", get),
            web.get(f"{root}/namespaces/{{namespace}}/pods", get),
            web.get(f"{root}/namespaces/{{namespace}}/pods/{{pod}}", get),
        ]
    )
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the front proxy in, and put every failure into the form that API clients expect."""
    if not is_front_proxy(_peer(request)):
        return _Failure(403, "Forbidden", "only the virtual API server may ask here").answer
    try:
        return await handler(request)
    except _Failure as failure:
        return failure.answer
    except web.HTTPMethodNotAllowed:
        what = f"the server does not allow {request.method} on the requested resource"
        return _Failure(405, "MethodNotAllowed", what).answer
    except web.HTTPNotFound:
        what = "the server could not find the requested resource"
        return _Failure(404, "NotFound", what).answer
    except BadSelector as error:
        return _Failure(400, "BadRequest", str(error)).answer
    except Unavailable as error:
        return _Failure(503, "ServiceUnavailable", str(error)).answer
    except Exception:
        log.exception("bug", path=request.path)
        return _Failure(500, "InternalError", "an error of the syncer: see its log").answer


async def _apis(request: web.Request) -> web.Response:
    wanted = negotiation.form(request.headers.get("Accept", ""), "APIGroupDiscoveryList")
    if wanted is None:
        raise _Failure(406, "NotAcceptable", "only JSON can be had here")
    if wanted == negotiation.PLAIN:
        return _json(responses.group_list())
    content = orjson.dumps(responses.aggregated_discovery(wanted.version))
    headers = {"Content-Type": DISCOVERY_TYPE.format(wanted.version)}
    return web.Response(body=content, headers=headers)


def _fixed(document: Obj) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return _json(document)

    return handler


async def _metrics(request: web.Request, answers: Figures, served: Served) -> web.Response:
    wanted = negotiation.form(request.headers.get("Accept", ""), "Table")
    if wanted is None:
        raise _Failure(406, "NotAcceptable", "only JSON can be had here")
    if request.query.get("watch", "") not in ("", "0", "false"):
        raise _Failure(405, "MethodNotAllowed", f"{served.plural}.{GROUP} cannot be watched")
    labels = parse_labels(request.query.get("labelSelector", ""))
    fields = parse_fields(request.query.get("fieldSelector", ""))
    place = request.match_info
    found = [
        usage.metrics
        for usage in await answers.usages(served)
        if place.get("namespace") in (None, usage.virt["metadata"].get("namespace"))
        and labels_meet(labels, usage.virt)
        and fields_meet(fields, usage.virt)
    ]
    name = place.get("pod") or place.get("node")
    if name is not None:
        found = [each for each in found if each["metadata"]["name"] == name]
        if not found:
            about = "/".join(filter(None, (place.get("namespace"), name)))
            what = f'{served.kind.lower()}.{GROUP} "{about}" not found'
            raise _Failure(404, "NotFound", what)
    if wanted.kind == "Table":
        include = request.query.get("includeObject", "Metadata")
        return _json(responses.table(served, found, version=wanted.version, include=include))
    if name is not None:
        return _json(responses.one(served, found[0]))
    return _json(responses.many(served, found))


def _json(document: Obj, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


def _peer(request: web.Request) -> bytes | None:
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("ssl_object")
    return None if connection is None else connection.getpeercert(binary_form=True)


def is_front_proxy(certificate_der: bytes | None) -> bool:
    """Say whether a certificate, already verified against the request-header CA, is the proxy's."""
    if certificate_der is None:
        return False
    try:
        subject = x509.load_der_x509_certificate(certificate_der).subject
    except ValueError:
        return False
    names = [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names == [FRONT_PROXY]


def _context(tls: ServingTls) -> ssl.SSLContext:
    """Return a context that hands each connection over to what `tls` gives at that moment.

    A certificate that grew old and a CA that k3s made anew need no restart of the server then.
    """
    front = tls()

    def choose(
        connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        try:
            now = tls()
        except CertificateError as error:
            log.error("serving certificate missing", error=str(error))  # noqa: TRY400
            return ALERT_INTERNAL
        if now is not front:
            connection.context = now
        return None

    front.sni_callback = choose
    return front
