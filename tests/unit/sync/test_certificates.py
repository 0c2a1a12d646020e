"""Certificates of the host's cert-manager: shown to whom they are made for, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from syncer import identity
from syncer.kube.objects import Key, Obj
from syncer.sync.retry_policy import DONE
from syncer.translate.certificates import (
    CERTIFICATE,
    COPY,
    INGRESSES,
    asked_by,
    asks,
    copy_of,
    is_made_for,
    mark,
)
from tests.unit.build import IDENT, host_name, ingress, rule, secret
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(20)

ISSUER = "cert-manager.io/cluster-issuer"
NAME = host_name("secrets", "cert")
KEY = Key("certificates", "default", "cert")
DATA = {"tls.crt": "Y3J0", "tls.key": "a2V5", "ca.crt": "Y2E=", "other": "eA=="}


def made(name: str = NAME, **more: Any) -> Obj:
    """Return what cert-manager makes on the host."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "annotations": {CERTIFICATE: name}, "labels": {}},
        "type": "kubernetes.io/tls",
        "data": dict(DATA),
        **more,
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"type": "Opaque"}, False),
        ({"metadata": {"name": NAME}}, False),
        ({"metadata": {"name": NAME, "annotations": {CERTIFICATE: "other"}}}, False),
        ({"metadata": {"name": "other", "annotations": {CERTIFICATE: "other"}}}, False),
        # the twin of a tenant's Secret, which a Certificate has taken
        (
            {"metadata": {"name": NAME, "annotations": {CERTIFICATE: NAME, identity.UID: "u"}}},
            False,
        ),
    ],
)
def test_only_what_cert_manager_made_under_the_translated_name_is_a_certificate(
    change: Obj,
    expected: bool,  # noqa: FBT001
) -> None:
    """Threats B3, C1: no Secret of the host becomes the tenant's by its name or type alone."""
    assert is_made_for({**made(), **change}, NAME) is expected


def test_copy_has_the_three_entries_and_no_name_of_the_host() -> None:
    copy = copy_of(KEY, made())
    assert copy["data"] == {name: DATA[name] for name in ("tls.crt", "tls.key", "ca.crt")}
    assert copy["metadata"]["name"] == "cert"
    assert IDENT.release not in str(copy["metadata"].get("annotations"))
    assert NAME not in str(copy)


def test_mark_says_whose_it_is_once_and_keeps_other_owners() -> None:
    other = {"kind": "Certificate", "name": NAME, "uid": "certificate-uid", "controller": True}
    host = made()
    host["metadata"]["ownerReferences"] = [other]
    patch = mark(IDENT, KEY, host, {"web"})
    assert patch["labels"][identity.MANAGED_BY] == IDENT.release
    assert patch["ownerReferences"] == [other, IDENT.owner()]
    assert identity.UID not in patch["annotations"]
    marked = {
        **host,
        "metadata": {
            **host["metadata"],
            **patch,
            "annotations": {**host["metadata"]["annotations"], **patch["annotations"]},
        },
    }
    assert mark(IDENT, KEY, marked, {"web"}) == {}
    assert mark(IDENT, KEY, marked, set()) == {}
    assert asked_by(marked) == {"web"}
    assert mark(IDENT, KEY, marked, {"api"}) == {"annotations": {INGRESSES: "api,web"}}
    assert IDENT.is_ours(marked)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ISSUER, True),
        ("cert-manager.io/issuer", True),
        ("kubernetes.io/tls-acme", True),
        ("x", False),
    ],
)
def test_asking(key: str, expected: bool) -> None:  # noqa: FBT001
    assert asks(ingress(metadata={"annotations": {key: "lab-ca"}})) is expected


class World:
    """One engine, its tenant's ingress, and the host's cert-manager as far as it matters."""

    def __init__(self, sides: Sides) -> None:
        scope = sides.world.scope._replace(ingress_annotations=("cert-manager.io/*",))
        sides.world.scope = scope
        self.engine = Engine(sides)
        self.engine.furnish()
        self.virt, self.host = sides.virt_api.objects, sides.host_api.objects

    def ask(self) -> None:
        tls = [{"hosts": ["web.example"], "secretName": "cert"}]
        virt = ingress(metadata={"annotations": {ISSUER: "ca"}}, rules=[rule()], tls=tls)
        self.virt.create("ingresses", "default", virt)

    def issue(self, **more: Any) -> None:
        self.host.create("secrets", IDENT.host_namespace, made(**more))

    def shown(self) -> Obj | None:
        return self.virt.find("secrets", "default", "cert")

    def on_host(self) -> Obj | None:
        return self.host.find("secrets", IDENT.host_namespace, NAME)

    def host_ingress(self) -> Obj | None:
        return self.host.find("ingresses", IDENT.host_namespace, host_name("ingresses", "web"))

    def events(self) -> list[str]:
        return [each["reason"] for each in self.virt.of("events")]


@pytest.fixture
def there(sides: Sides) -> World:
    return World(sides)


async def test_certificate_of_an_ingress_comes_back_and_goes_with_it(there: World) -> None:
    async with there.engine.running():
        there.ask()
        await until(lambda: there.host_ingress() is not None)
        assert there.shown() is None
        there.issue()
        await until(lambda: there.shown() is not None)
        shown = there.shown()
        assert shown is not None
        assert shown["type"] == "kubernetes.io/tls"
        assert shown["metadata"]["labels"] == {COPY: "certificate"}
        await until(lambda: IDENT.is_ours(there.on_host() or made()))
        # a renewal follows; what the tenant does to the copy does not last
        renewed = {"data": {"tls.crt": "bmV3"}}
        there.host.patch(Place("secrets", IDENT.host_namespace, NAME), renewed)
        await until(lambda: (there.shown() or {})["data"]["tls.crt"] == "bmV3")
        there.virt.patch(Place("secrets", "default", "cert"), {"data": {"tls.key": "eA=="}})
        await until(lambda: (there.shown() or {})["data"]["tls.key"] == DATA["tls.key"])
        there.virt.delete(Place("ingresses", "default", "web"))
        await until(lambda: there.shown() is None)
        await until(lambda: there.on_host() is None, 10)


async def test_secret_that_comes_again_before_its_certificate_is_gone_is_deleted_again(
    there: World,
) -> None:
    async with there.engine.running():
        there.ask()
        there.issue()
        await until(lambda: there.shown() is not None)
        there.virt.delete(Place("ingresses", "default", "web"))
        await until(lambda: there.on_host() is None, 10)
        there.issue()
        await until(lambda: there.on_host() is None, 10)
        assert there.shown() is None


async def test_secret_of_the_host_that_no_ingress_names_stays_where_it_is(there: World) -> None:
    async with there.engine.running():
        there.issue()
        there.ask()
        await until(lambda: there.shown() is not None)
        other = host_name("secrets", "other")
        there.issue(metadata={"name": other, "annotations": {CERTIFICATE: other}, "labels": {}})
        there.issue(metadata={"name": "wildcard", "annotations": {CERTIFICATE: "wildcard"}})
        there.virt.delete(Place("ingresses", "default", "web"))
        await until(lambda: there.on_host() is None, 10)
    for name in (other, "wildcard"):
        left = there.host.find("secrets", IDENT.host_namespace, name)
        assert left is not None
        assert not IDENT.is_ours(left)
    assert [each["metadata"]["name"] for each in there.virt.of("secrets")] == []


async def test_tenants_own_secret_is_served_and_no_certificate_is_asked_for(there: World) -> None:
    there.virt.create("secrets", "default", secret("cert", type="kubernetes.io/tls"))
    async with there.engine.running():
        there.ask()
        await until(lambda: "CertificateNotAsked" in there.events())
        host = there.host_ingress()
        assert host is not None
        assert ISSUER not in host["metadata"]["annotations"]
        twin = there.on_host()
        assert twin is not None
        assert twin["metadata"]["annotations"][identity.UID]
        # deleted, it makes room
        there.virt.delete(Place("secrets", "default", "cert"))
        await until(lambda: ISSUER in (there.host_ingress() or {})["metadata"]["annotations"])


async def test_tenants_secret_never_changes_hands_with_a_certificate(there: World) -> None:
    """Who came later gives way, and is told."""
    async with there.engine.running():
        there.ask()
        there.issue()
        await until(lambda: there.shown() is not None)
        mine = Place("secrets", "default", "cert")
        own = secret("cert", type="kubernetes.io/tls", data={"tls.crt": "bWluZQ=="})
        there.virt.delete(mine)
        there.virt.create("secrets", "default", own)
        await until(lambda: "NameTaken" in there.events())
        shown, host = there.shown(), there.on_host()
        assert shown is not None
        assert host is not None
        if COPY not in (shown["metadata"].get("labels") or {}):
            assert shown["data"] == own["data"]
        assert host["data"] == DATA


async def test_certificate_that_takes_a_twin_is_not_fought_over(there: World) -> None:
    there.virt.create("secrets", "default", secret("cert", type="kubernetes.io/tls"))
    async with there.engine.running():
        there.ask()
        await until(lambda: there.on_host() is not None)
        taken = {"metadata": {"annotations": {CERTIFICATE: NAME}}, "data": dict(DATA)}
        there.host.patch(Place("secrets", IDENT.host_namespace, NAME), taken)
        await until(lambda: "NameTaken" in there.events())
        host, mine = there.on_host(), there.shown()
        assert host is not None
        assert mine is not None
        assert host["data"]["tls.crt"] == DATA["tls.crt"]
        assert mine["data"] == secret()["data"]


async def test_brake_that_holds_an_ingress_holds_its_certificate(there: World) -> None:
    """A list without the tenant's ingresses may be a broken datastore."""
    engine = there.engine
    async with engine.running():
        there.ask()
        there.issue()
        await until(lambda: there.shown() is not None)
        engine.controller.holds.hold({Key("ingresses", "default", "web")}, "missing from a list")
        there.virt.delete(Place("ingresses", "default", "web"))
        held, attempts = Key("ingresses", "default", "web"), engine.controller.attempts
        await until(lambda: attempts.unsynced.get(held, DONE).result == "held")
        assert there.on_host() is not None
        assert there.host_ingress() is not None
        engine.confirm()
        await until(lambda: there.on_host() is None, 10)


async def test_certificate_stays_as_long_as_its_ingress_and_is_shown_while_that_names_it(
    there: World,
) -> None:
    """Its Certificate may still be there, and would order it again."""
    mine = Place("ingresses", "default", "web")
    async with there.engine.running():
        there.ask()
        there.issue()
        await until(lambda: there.shown() is not None)
        there.virt.patch(mine, {"spec": {"tls": None}, "metadata": {"annotations": {ISSUER: None}}})
        await until(lambda: there.shown() is None)
        assert there.on_host() is not None
        tls = [{"hosts": ["web.example"], "secretName": "cert"}]
        there.virt.patch(mine, {"spec": {"tls": tls}})
        await until(lambda: there.shown() is not None)
        there.virt.patch(mine, {"spec": {"tls": None}})
        await until(lambda: there.shown() is None)
        there.virt.delete(mine)
        await until(lambda: there.on_host() is None, 10)
