"""A host node loses its power: its pods end inside too, others take their place, none runs twice.

Needs a lab of its own (VC_E2E_POWER names it): `scripts/test faults --only R23 --lab NAME`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.ledger import Ledger
from tests.e2e.pods import execute, new_namespace, wait_gone, wait_ready
from tests.e2e.release import Release, Side, Virtual, virt_uid
from tests.e2e.session import BASELINE, Session
from tests.e2e.shell import run
from tests.e2e.waiting import Pending, brief, is_ready, until

SPACE = "shop"
STAYS, GOES, NUMBER = "node-1", "node-2", "2"
LAB = Path(__file__).parents[2] / "scripts" / "lab"
VALUES: dict[str, Obj] = {"narrow": {}, "wide": {"sync": {"nodes": {"enabled": True}}}}
"""With the rights of one namespace, and with those to read the host's nodes."""
PATIENCE = 5  # seconds that a pod waits for its node, once that is known to be away
POWER = 300.0  # seconds until a node is ready that is switched on
NOTICED = 120.0  # seconds: a host waits 50 for a sign of a node (node-monitor-grace-period)
pytestmark = pytest.mark.timeout(500)


class Shop:
    """A Deployment and a StatefulSet on the one node, all else on the other."""

    def __init__(self, session: Session, name: str) -> None:
        self.host: Side = session.host
        self.ledger: Ledger
        with _cordoned(self.host, GOES):
            self.release: Release = session.release(name, session.namespace(name, BASELINE))
            self.release.install(VALUES[name])
            self.release.wait_coredns()
            self.virt: Virtual = session.connect(self.release)
            new_namespace(self.virt, SPACE)
            self.virt.api.create(manifests.pod("bystander", SPACE))
            wait_ready(self.virt, SPACE, "bystander")
        wait = [
            {
                "key": f"node.kubernetes.io/{taint}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": PATIENCE,
            }
            for taint in ("not-ready", "unreachable")
        ]
        with _cordoned(self.host, STAYS):
            database = manifests.deployment("db", SPACE, 1, tolerations=wait)
            self.virt.api.create(
                manifests.deployment("web", SPACE, 1, tolerations=wait),
                manifests.stateful(database),
            )
            wait_ready(self.virt, SPACE, "db-0")
            self.web = self.pod_of("web")
        self.database = self.virt.api.get("Pod", "db-0", SPACE)
        self.bystander = self.virt.api.get("Pod", "bystander", SPACE)

    def pod_of(self, app: str, instead_of: str = "") -> Obj:
        """Return a pod that is ready, and is not the one of that UID."""

        def ready() -> Obj:
            pods = self.virt.api.all("Pod", SPACE, f"app={app}")
            for each in pods:
                if each["metadata"]["uid"] != instead_of and is_ready(each):
                    return each
            raise Pending("; ".join(map(brief, pods)))

        return until(f"another pod of {app} is ready", ready, NOTICED)

    def node_is(self, value: str) -> None:
        """Wait until the virtual node is said to be ready, or not, or unknown."""

        def said() -> bool:
            conditions = self.virt.api.get("Node", GOES)["status"]["conditions"]
            found = next(each["status"] for each in conditions if each["type"] == "Ready")
            if found != value:
                raise Pending(found)
            return True

        until(f"virtual node {GOES} is ready: {value}", said, NOTICED)

    def twins(self, virt_pod: Obj) -> list[str]:
        """Return the names of the host pods of a virtual pod."""
        uid = virt_pod["metadata"]["uid"]
        return [p["metadata"]["name"] for p in self.release.host_pods() if virt_uid(p) == uid]


def _power(state: str) -> None:
    """Take the node's power away, or give it back."""
    name = os.environ["VC_E2E_POWER"]
    run([str(LAB), "power", state, NUMBER, "--name", name], timeout=POWER)


@contextlib.contextmanager
def _cordoned(host: Side, node: str) -> Iterator[None]:
    """Keep new pods off a node of the host."""
    host.kubectl("cordon", node)
    try:
        yield
    finally:
        host.kubectl("uncordon", node)


@pytest.fixture(scope="module")
def shops(session: Session) -> Iterator[dict[str, Shop]]:
    made = {name: Shop(session, name) for name in VALUES}
    with contextlib.ExitStack() as stack:
        for shop in made.values():
            shop.ledger = stack.enter_context(Ledger(shop.release))
        yield made


@pytest.fixture(params=VALUES)
def shop(request: pytest.FixtureRequest, shops: dict[str, Shop]) -> Shop:
    return shops[request.param]


def test_node_that_the_host_takes_for_away_is_not_ready_inside(
    session: Session, shops: dict[str, Shop]
) -> None:
    for shop in shops.values():
        assert {shop.web["spec"]["nodeName"], shop.database["spec"]["nodeName"]} == {GOES}
        assert shop.bystander["spec"]["nodeName"] == STAYS
    begun = time.monotonic()
    _power("off")
    shops["wide"].node_is("Unknown")
    took = time.monotonic() - begun
    session.timings.notes.append(f"power off: the virtual node is not ready after {took:.1f} s")


def test_replacement_runs_on_another_node(shop: Shop) -> None:
    other = shop.pod_of("web", instead_of=shop.web["metadata"]["uid"])
    assert other["spec"]["nodeName"] == STAYS
    assert execute(shop.virt, SPACE, other["metadata"]["name"], "echo", "here") == "here\n"
    assert not shop.ledger.doubled()


def test_pod_of_a_stateful_set_is_not_replaced_while_nobody_knows_that_it_ended(
    shop: Shop,
) -> None:
    """At most one: the host says that it is going, and not that it is gone."""

    def going() -> bool:
        found = shop.virt.api.get("Pod", "db-0", SPACE)
        assert found["metadata"]["uid"] == shop.database["metadata"]["uid"]
        return "deletionTimestamp" in found["metadata"]

    until("db-0 is going", going, NOTICED)
    assert len(shop.twins(shop.database)) == 1
    assert not shop.ledger.lost(shop.virt.api.all("Pod", SPACE))


def test_power_comes_back(session: Session, shops: dict[str, Shop]) -> None:
    begun = time.monotonic()
    _power("on")
    shops["wide"].node_is("True")
    took = time.monotonic() - begun
    session.timings.notes.append(f"power on: the virtual node is ready after {took:.1f} s")


def test_all_is_well_when_the_power_is_back(shop: Shop) -> None:
    for each in (shop.web, shop.database):
        wait_gone(shop.virt, "Pod", SPACE, each["metadata"]["name"], each["metadata"]["uid"], 120)
        assert not shop.twins(each)
    again = shop.pod_of("db", instead_of=shop.database["metadata"]["uid"])
    assert again["metadata"]["name"] == "db-0"
    bystander = shop.virt.api.get("Pod", "bystander", SPACE)
    assert bystander["metadata"]["uid"] == shop.bystander["metadata"]["uid"]
    assert not shop.ledger.doubled()
    assert not shop.ledger.lost(shop.virt.api.all("Pod", SPACE))
