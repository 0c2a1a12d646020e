"""R19: the host's token and its authority are exchanged while the syncer runs.

It reads both files again after a minute at most (syncer.access.TOKEN_LIFE).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.faults import chart
from tests.faults.case import Case
from tests.faults.chart import NAMESPACE
from tests.faults.pair import ACCOUNT
from tests.faults.play import Play
from tests.faults.reference import Reference
from tests.lab.pki import Pki


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
    chart.write(ACCOUNT / "token", pair.chart.token(bound_to="bound"))
    pair.syncer.kill()  # it starts with this one
    pair.syncer.ready()
    play.phase("create")
    pair.host.delete("Secret", "bound", NAMESPACE)  # and with it the token
    chart.write(ACCOUNT / "token", pair.chart.token())
    begun = time.monotonic()
    pair.host_proxy.cut()  # a server asks again for what it knows already only after a while
    play.acts("change")
    play.converges("change", since=begun)
    refused = [each for each in pair.host_proxy.seen if each.at > begun and each.status == 401]
    play.struck()
    play.note(f"{len(refused)} requests answered 401")
    play.phase("clear")
    assert pair.syncer.ends == ends, "the syncer ended by itself"


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
