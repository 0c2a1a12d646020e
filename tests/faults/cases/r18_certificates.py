"""R18: certificates that end: those of k3s, which it renews when it starts, and the syncer's own.

The syncer asks k3s without the proxy here, which shows a certificate of its own.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509

from syncer import certfile
from syncer.kubelet.certs import LIFETIME
from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.faults import ageing, clock
from tests.faults.case import Case
from tests.faults.chart import KUBELET_NAME, NAMESPACE, RELEASE
from tests.faults.play import Play
from tests.faults.reference import Reference

LAST = timedelta(days=60)  # k3s renews what has less than 90 days left
ENDS = timedelta(seconds=90)  # two restarts on a machine with much else to do
YEAR = timedelta(days=360)
FLAG = "--k3s-kubeconfig="
EXPIRES = "virtualcluster_certificate_expiration_timestamp_seconds"


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield both."""
    del fast
    renewed = "k3s renews its certificates, those of before end"
    yield Case("R18", "k3s", renewed, _renewed, fast=True)
    yield Case("R18", "kubelet", "the kubelet endpoint's certificate grows old", _kubelet)


def _renewed(play: Play) -> None:
    pair = play.pair
    tls = pair.k3s.data / "server" / "tls"
    play.phase("create")
    with _directly(play, tls) as old:
        syncer = pair.syncer
        syncer.ready()
        ends = syncer.ends
        before = _handed_out(play)
        assert ageing.end(before) - datetime.now(UTC) < ENDS, "users have what is about to end"
        assert _opens(old), "it opens the door still"
        pair.k3s.kill()
        assert ageing.age(tls, LAST) > 4
        pair.k3s.start()
        pair.reach()
        begun = time.monotonic()
        assert ageing.end((tls / "client-admin.crt").read_bytes()) - datetime.now(UTC) > YEAR
        play.eventually("users get the new one", lambda: _handed_out(play) != before)
        play.converged(begun)
        play.eventually("the old one opens nothing any more", lambda: not _opens(old))
        play.struck()
        play.phase("change")
        assert ageing.end(_handed_out(play)) - datetime.now(UTC) > YEAR
        left = syncer.gauge(f'{EXPIRES}{{certificate="admin"}}') - time.time()
        assert left > YEAR.total_seconds(), "its end is told"
        assert syncer.ends == ends, "the syncer ended by itself"
    play.phase("clear")


@contextlib.contextmanager
def _directly(play: Play, tls: Path) -> Iterator[Cluster]:
    """Let the syncer ask k3s itself, as an administrator who ends soon; yield that one's API."""
    k3s, child = play.pair.k3s, play.pair.syncer.child
    config = yaml.safe_load(k3s.written.read_text())
    user = config["users"][0]["user"]
    pem = base64.b64decode(user["client-certificate-data"])
    user["client-certificate-data"] = base64.b64encode(ageing.aged(pem, tls, ENDS)).decode()
    k3s.written.write_text(yaml.safe_dump(config))
    kept = k3s.state / "ends-soon.json"
    kept.write_text(json.dumps(config))
    before = child.command
    child.command = [
        f"{FLAG}{k3s.written}" if each.startswith(FLAG) else each for each in child.command
    ]
    play.pair.syncer.kill()
    try:
        yield Cluster(kept)
    finally:
        child.command = before
        play.pair.syncer.kill()
        play.pair.syncer.ready()


def _handed_out(play: Play) -> bytes:
    """Return the certificate that users find in the Secret."""
    data = play.pair.host.get("Secret", f"vc-{RELEASE}", NAMESPACE)["data"]
    return base64.b64decode(data["client-certificate"])


def _opens(api: Cluster) -> bool:
    """Tell whether an administrator may come in."""
    try:
        api.get("Namespace", "kube-system")
    except Unreachable:
        return False
    except ApiError as error:
        if error.status != 401:
            raise
        return False
    return True


def _kubelet(play: Play) -> None:
    play.phase("create")
    with clock.told_by_file(play.pair, "+0") as file:
        play.pair.syncer.ready()
        ends = play.pair.syncer.ends
        port = _port(play)
        open_since_before = _dial(play, port)
        old = _shown(open_since_before)
        assert _shown(_dial(play, port)) == old, "one for all connections, while it is young"
        file.write_text(f"+{(LIFETIME * 3 // 4).days}d\n")
        play.struck()
        new = _shown(_dial(play, port))
        authority = (play.pair.k3s.data / "server" / "tls" / "server-ca.crt").read_bytes()
        new.verify_directly_issued_by(certfile.first(authority))
        names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [KUBELET_NAME]
        assert new.serial_number != old.serial_number
        assert new.not_valid_after_utc > old.not_valid_after_utc
        assert _shown(open_since_before) == old, "what is open goes on"
        assert play.pair.syncer.ends == ends, "the syncer ended by itself"
    play.phase("clear")


def _port(play: Play) -> int:
    """Return the port of a node's kubelet."""
    pod = play.virt("Pod", "bare")
    node = play.pair.virt.get("Node", pod["spec"]["nodeName"])
    return int(node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"])


def _dial(play: Play, port: int) -> http.client.HTTPSConnection:
    """Connect as the API server does."""
    tls = play.pair.k3s.data / "server" / "tls"
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # by its clock the new one is not valid yet
    context.load_cert_chain(tls / "client-kube-apiserver.crt", tls / "client-kube-apiserver.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    connection.auto_open = 0  # one that was ended stays so
    connection.connect()
    return connection


def _shown(connection: http.client.HTTPSConnection) -> x509.Certificate:
    """Ask something; return the certificate of who answered."""
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    assert isinstance(connection.sock, ssl.SSLSocket), "the connection was ended"
    found = connection.sock.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found)
