"""R19: the host's token and its authority are exchanged while the syncer runs.

It reads both files again after a minute at most (syncer.kube.auth.TOKEN_LIFE).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from lab.pki import Pki
from tests.e2e.cluster import ApiError, Cluster
from tests.faults import chart
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.pair import ACCOUNT
from tests.faults.play import Play
from tests.faults.reference import Reference


def cases(_reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield both."""
    del fast
    yield Case("R19", "token", "the host token is exchanged, the old one refused", _token)
    yield Case("R19", "authority", "the host's CA is exchanged", _authority)


def _token(play: Play) -> None:
    pair = play.pair
    ends = pair.syncer.ends
    secret = {"kind": "Secret", "metadata": {"name": "bound", "namespace": NAMESPACE}}
    pair.host.create({"apiVersion": "v1", **secret})
    old = pair.chart.token(bound_to="bound")
    chart.write(ACCOUNT / "token", old)
    pair.syncer.kill()  # it starts with this one
    pair.syncer.ready()
    play.phase("create")
    pair.host.delete("Secret", "bound", NAMESPACE)  # and with it the token
    chart.write(ACCOUNT / "token", pair.chart.token())
    # A server asks again for what it knows already only after a while.
    play.eventually("the host refuses the old one", lambda: _refused(play, old))
    begun = time.monotonic()
    play.acts("change")
    play.converges("change", since=begun)
    refused = [each for each in pair.host_proxy.seen if each.at > begun and each.status == 401]
    assert refused, "the old one was not used any more"
    play.struck(len(refused))
    play.phase("clear")
    assert pair.syncer.ends == ends, "the syncer ended by itself"


def _refused(play: Play, token: str) -> bool:
    """Tell whether the host takes a token for nobody's."""
    config = json.loads(play.pair.host.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    file = play.pair.state / "old-token.json"
    file.write_text(json.dumps(config))
    try:
        Cluster(file).request("GET", "/api")
    except ApiError as error:
        return error.status == 401
    return False


def _authority(play: Play) -> None:
    pair = play.pair
    ends = pair.syncer.ends
    play.phase("create")
    fresh = Pki(pair.state / "other-pki")
    fresh.pair("proxy-server", "proxy", sans=("127.0.0.1", "10.254.0.1"))
    old, new = (each.path("ca.crt").read_text() for each in (pair.pki, fresh))
    # As a host does it: both are trusted for a while, then the server has a new certificate.
    chart.write(ACCOUNT / "ca.crt", old + new)
    names = ("proxy-server.crt", "proxy-server.key")
    begun = time.monotonic()
    try:
        pair.host_proxy.certify((fresh.path(names[0]), fresh.path(names[1])))
        play.struck()
        play.acts("change")
        play.converges("change", since=begun)
    finally:
        pair.host_proxy.certify((pair.pki.path(names[0]), pair.pki.path(names[1])))
        chart.write(ACCOUNT / "ca.crt", old)
    play.phase("clear")
    assert pair.syncer.ends == ends, "the syncer ended by itself"
