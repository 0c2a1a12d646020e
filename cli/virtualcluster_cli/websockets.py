"""WebSockets to subresources of pods: how the host's API server is met, and who is asking."""

from __future__ import annotations

import ssl
from typing import Any

from virtualcluster_cli.api import authorization

PROTOCOL = "v4.channel.k8s.io"
"""Each message begins with a byte, its channel. All supported hosts speak it."""


def request(made: Any, path: str) -> tuple[str, dict[str, Any]]:
    """Return address and options for aiohttp; `made` is a configuration of `kubernetes`."""
    options: dict[str, Any] = {
        "protocols": [PROTOCOL],
        "max_msg_size": 0,
        "headers": authorization(made),
    }
    if made.host.startswith("https"):
        options["ssl"] = tls(made)
        if getattr(made, "tls_server_name", None):
            options["server_hostname"] = made.tls_server_name
    if made.proxy:
        options["proxy"] = made.proxy
    return made.host + path, options


def tls(made: Any) -> ssl.SSLContext:
    """Return how the host's API server is met, as a configuration of `kubernetes` says it."""
    context = ssl.create_default_context(cafile=made.ssl_ca_cert)
    if not made.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if made.cert_file:
        context.load_cert_chain(made.cert_file, made.key_file)
    return context
