"""The kubelet endpoint that the virtual cluster's API server dials for logs and streams.

    tls = ServingTls(Path("/data/server/tls"), ["kubelet.virtualcluster.internal"])
    callers = ApiServerKey(Path("/data/server/tls"))
    server = KubeletServer(tls, callers, lookup, host_api)
    port = await server.listen(10350, "node-a")     # one port per virtual node, on loopback
    ...
    await server.close(port)                        # the node has gone
    await server.aclose()                           # ends every stream

A request goes: TLS and key (server, tls, caller) -> head (downstream) -> route and query (routes,
query) -> host pod (resolve) -> the host's subresource (upstream) -> logs or streams. Errors are
raised as `errors.KubeletError` and answered in one place (connection).
"""

from syncer.kubelet.caller import ApiServerKey
from syncer.kubelet.certs import CertificateError
from syncer.kubelet.limits import Limits
from syncer.kubelet.server import KubeletServer
from syncer.kubelet.tls import REQUEST_HEADER_CA, SERVER_CA, ServingTls
from syncer.kubelet.types import Endpoint, HostApi, HostPod, Lookup

__all__ = [
    "REQUEST_HEADER_CA",
    "SERVER_CA",
    "ApiServerKey",
    "CertificateError",
    "Endpoint",
    "HostApi",
    "HostPod",
    "KubeletServer",
    "Limits",
    "Lookup",
    "ServingTls",
]
