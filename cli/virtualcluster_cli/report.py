"""How a virtual cluster is: versions, health, lag, counts, refusals, certificates."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import urllib3

from virtualcluster_cli import inside, kinds
from virtualcluster_cli.access import Access
from virtualcluster_cli.api import Api, Obj
from virtualcluster_cli.errors import NotFound, Trouble
from virtualcluster_cli.explanation import SYNCER
from virtualcluster_cli.figures import figures_of
from virtualcluster_cli.forward import forwarded
from virtualcluster_cli.installations import METRICS_PORT, Installation, admin_kubeconfig
from virtualcluster_cli.progress import look
from virtualcluster_cli.rules import known, rule_of
from virtualcluster_cli.shared import certfile
from virtualcluster_cli.shared.identity import MANAGED_BY
from virtualcluster_cli.stages import held
from virtualcluster_cli.waits import synced

PATIENCE = 10.0  # seconds; `status` is asked of what is broken, too
MOST = 20  # refusals that are shown; an unruly tenant has thousands


def report(host: Api, access: Access, which: Installation) -> dict[str, Any]:
    """Return all of it, as far as it can be had; what cannot says why."""
    wrong = held(look(host, which.namespace, which.name)) if not which.paused else None
    made: dict[str, Any] = {
        "name": which.name,
        "namespace": which.namespace,
        "phase": which.phase,
        "versions": {
            "host": host.version(),
            "kubernetes": which.k3s_version,
            "chart": which.chart,
            **{f"{name} image": image for name, image in which.images.items()},
        },
        "containers": _containers(which),
        "trouble": f"{wrong.cause}: {wrong.cure}" if wrong else "",
        "sync": {},
        "counts": [],
        "refusals": [],
        "certificates": [],
        "notes": [],
    }
    if which.pod is None:
        return made
    for part, get in (("sync", sync_figures), ("certificates", _certificates)):
        try:
            made[part] = get(host, access, which)
        except Trouble as error:
            made["notes"].append(f"{part}: {error.cause}")
    try:
        with inside.api(host, access, which, PATIENCE) as virt:
            made["versions"]["kubernetes"] = virt.version()
            made["counts"] = _counts(host, virt, which)
            made["refusals"] = _refusals(virt)
    except Trouble as error:
        made["notes"].append(f"inside: {error.cause}")
    return made


def _containers(which: Installation) -> list[dict[str, Any]]:
    statuses = ((which.pod or {}).get("status") or {}).get("containerStatuses") or ()
    return [
        {
            "name": each["name"],
            "ready": bool(each.get("ready")),
            "restarts": each.get("restartCount", 0),
            "state": next(iter(each.get("state") or {}), "unknown"),
        }
        for each in statuses
    ]


def sync_figures(host: Api, access: Access, which: Installation) -> dict[str, Any]:
    """Return what the syncer says of itself: what it waits for, and its figures."""
    inside.check_right(host, which.namespace)
    with forwarded(access, inside.target_of(which, METRICS_PORT), PATIENCE) as port:
        waits_for, text = _ask(port, "/readyz"), _ask(port, "/metrics")
    figures = {} if waits_for == "ok" else {"waits for": waits_for}
    return figures | figures_of(text)


def _ask(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        raise Trouble("the syncer does not answer") from None
    finally:
        connection.close()


def _counts(host: Api, virt: Api, which: Installation) -> list[dict[str, Any]]:
    rows = []
    for plural in [*known()["kinds"]["by default"], *known()["kinds"]["opt in"]]:
        if synced(plural, which):
            continue
        try:
            there = kinds.resolve(virt, plural)
            own = len(virt.list(there.path()))
            path = kinds.resolve(host, plural).path(which.namespace)
            twins = len(host.list(path, f"{MANAGED_BY}={which.name}"))
        except (NotFound, Trouble):
            continue
        rows.append({"kind": plural, "inside": own, "host": twins})
    return rows


def _refusals(virt: Api) -> list[dict[str, Any]]:
    """Return what was refused, the latest first: the events of the syncer."""
    found: dict[tuple[str, str, str, str], Obj] = {}
    events = virt.list("/api/v1/events", "", "type=Warning")
    for each in sorted(events, key=lambda event: event.get("lastTimestamp") or ""):
        if SYNCER not in (
            (each.get("source") or {}).get("component"),
            each.get("reportingComponent"),
        ):
            continue
        about = each["involvedObject"]
        where = (about.get("kind", ""), about.get("namespace", ""), about["name"])
        found[(*where, each["reason"])] = each
    return [
        {
            "object": f"{kind.lower()}/{name}",
            "namespace": namespace,
            "reason": reason,
            "rule": rule_of(reason, each.get("message", "")).title,
            "message": each.get("message", ""),
            "last": each.get("lastTimestamp") or "",
        }
        for (kind, namespace, name, reason), each in reversed(found.items())
    ][:MOST]


def _certificates(host: Api, access: Access, which: Installation) -> list[dict[str, Any]]:
    config = admin_kubeconfig(host, which)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    ca = base64.b64decode(cluster.get("certificate-authority-data", ""))
    pems = {
        "cluster authority": ca,
        "administrator": base64.b64decode(user.get("client-certificate-data", "")),
    }
    found = [_expiry(name, pem) for name, pem in pems.items() if pem]
    with forwarded(access, inside.target_of(which), PATIENCE) as port:
        try:
            found.append(_expiry("API server", _served(port)))
        except (OSError, urllib3.exceptions.HTTPError):
            raise Trouble("the API server does not answer") from None
    return found


def _served(port: int) -> bytes:
    """Return the certificate that is served; whether it is trusted is for clients to say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        context.wrap_socket(plain) as served,
    ):
        return ssl.DER_cert_to_PEM_cert(served.getpeercert(binary_form=True) or b"").encode()


def _expiry(name: str, pem: bytes) -> dict[str, Any]:
    ends = certfile.first(pem).not_valid_after_utc
    left = (ends - datetime.now(UTC)).days
    return {"name": name, "expires": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "days": left}
