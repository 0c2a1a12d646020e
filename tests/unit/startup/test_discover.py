"""What the init container finds out and writes down, and what it refuses."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re

import pytest

from syncer import identity
from syncer.errors import Refused
from syncer.identity import MANAGED_BY
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj
from syncer.kube.resources import CONFIGMAPS
from syncer.startup import discover
from tests.unit.build import IDENT, twin
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place

pytestmark = pytest.mark.timeout(10)
DNS = Place("services", "team-x", "kube-dns-x-kube-system-x-vc")
FOUND = Place("configmaps", "team-x", "vc-discovered")


def _unreadable() -> Fault:
    return Fault("LIST", "servicecidrs", status=403, reason="Forbidden", times=9)


@pytest.fixture
async def release(host_api: FakeApi) -> Place:
    """Let the chart's objects stand there."""
    host_api.objects.create("configmaps", "team-x", {"metadata": {"name": "vc-anchor"}})
    own = {"metadata": {"name": "vc"}, "spec": {"ports": [{"port": 443}]}}
    host_api.objects.create("services", "team-x", own)
    host_api.faults.add(_unreadable())
    return Place("services", "team-x", "vc")


async def test_who_we_are_is_the_anchors_uid(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    anchor = host_api.objects.get(release._replace(plural="configmaps", name="vc-anchor"))
    ident = await discover.identify(host, "team-x", "vc")
    assert ident == ("team-x", "vc", anchor["metadata"]["uid"])


async def test_missing_anchor_is_refused_with_the_cure(host: Client) -> None:
    with pytest.raises(Refused, match="helm upgrade vc"):
        await discover.identify(host, "team-x", "vc")


@pytest.mark.parametrize("reserve", [True, False])
async def test_all_that_a_template_cannot_know_is_written_down(
    host_api: FakeApi,
    host: Client,
    release: Place,
    reserve: bool,  # noqa: FBT001
) -> None:
    await discover.discover(host, IDENT, [], reserve_dns=reserve)
    found = host_api.objects.get(FOUND)
    expected = {
        "SERVICE_CIDR": "10.96.0.0/24",
        "SERVICE_IP": host_api.objects.get(release)["spec"]["clusterIP"],
    }
    if reserve:
        expected["CLUSTER_DNS"] = host_api.objects.get(DNS)["spec"]["clusterIP"]
    assert found["data"] == expected
    assert found["metadata"]["ownerReferences"] == [IDENT.owner()]
    assert (host_api.objects.find(*DNS) is not None) is reserve


async def test_reserved_dns_service_is_marked_and_leads_nowhere(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    await discover.discover(host, IDENT, [], reserve_dns=True)
    service = host_api.objects.get(DNS)
    meta = service["metadata"]
    assert meta["annotations"][identity.UID] == identity.RESERVED
    assert IDENT.is_ours(service)
    assert meta["ownerReferences"] == [IDENT.owner()]
    assert MANAGED_BY not in service["spec"]["selector"]
    assert identity.virtual_key(service) == Key("services", "kube-system", "kube-dns")


async def test_second_start_finds_the_same_and_writes_nothing(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    await discover.discover(host, IDENT, [], reserve_dns=True)
    before = host_api.objects.get(FOUND)
    version = host_api.objects.version
    await discover.discover(host, IDENT, [], reserve_dns=True)
    assert host_api.objects.get(FOUND) == before
    assert host_api.objects.version == version


async def test_k3s_that_served_the_datastore_is_left_to_whoever_leads(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    """Another replica's syncer may write it down at any moment."""
    assert release
    await discover.discover(host, IDENT, [], reserve_dns=True)
    host_api.objects.patch(FOUND, {"data": {"K3S_VERSION": "1.34.4"}})
    version = host_api.objects.version
    await discover.discover(host, IDENT, [], reserve_dns=True, k3s_version="1.35.1")
    assert host_api.objects.version == version


# --- the token of k3s

TOKEN = Place("secrets", "team-x", "vc-k3s-token")


def _token(api: FakeApi) -> str:
    encoded: str = api.objects.get(TOKEN)["data"]["token"]
    return base64.b64decode(encoded).decode()


@pytest.mark.parametrize("kept", [True, False])
async def test_token_is_made_once_and_goes_with_the_installation_unless_it_is_kept(
    host_api: FakeApi,
    host: Client,
    release: Place,
    kept: bool,  # noqa: FBT001
) -> None:
    assert release
    token = discover.Token(TOKEN.name, kept)
    await discover.discover(host, IDENT, [], reserve_dns=True, token=token)
    made = _token(host_api)
    assert re.fullmatch("[0-9a-f]{64}", made)
    owners = host_api.objects.get(TOKEN)["metadata"].get("ownerReferences")
    assert owners == (None if kept else [IDENT.owner()])
    version = host_api.objects.version
    await discover.discover(host, IDENT, [], reserve_dns=True, token=token)
    assert host_api.objects.version == version
    assert _token(host_api) == made


async def test_pods_that_start_together_get_one_token(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    token = discover.Token(TOKEN.name, kept=False)
    starts = [discover.discover(host, IDENT, [], reserve_dns=True, token=token) for _ in range(3)]
    await asyncio.gather(*starts)
    assert len(host_api.made("POST", "secrets")) == 3
    assert len(_token(host_api)) == 64


async def test_secret_without_a_token_is_refused_and_left_alone(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    empty = {"metadata": {"name": TOKEN.name}, "data": {"other": "eA=="}}
    made = host_api.objects.create("secrets", "team-x", empty)
    token = discover.Token(TOKEN.name, kept=False)
    with pytest.raises(Refused, match="vc-k3s-token is there, but has no key `token`: add"):
        await discover.discover(host, IDENT, [], reserve_dns=True, token=token)
    assert host_api.objects.get(TOKEN) == made


async def test_without_a_datastore_outside_no_token_is_made(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    await discover.discover(host, IDENT, [], reserve_dns=True)
    assert host_api.objects.of("secrets") == []


async def test_address_that_changed_is_written_anew(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    """Somebody deleted our Service, and helm made it again."""
    await discover.discover(host, IDENT, [], reserve_dns=True)
    host_api.objects.remove(release)
    own = {"metadata": {"name": "vc"}, "spec": {"ports": [{"port": 443}]}}
    made = host_api.objects.create("services", "team-x", own)
    await discover.discover(host, IDENT, [], reserve_dns=True)
    assert host_api.objects.get(FOUND)["data"]["SERVICE_IP"] == made["spec"]["clusterIP"]


async def test_users_range_that_does_not_fit_is_refused_and_nothing_is_made(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    with pytest.raises(Refused, match=r"use --service-cidr=10\.96\.0\.0/24"):
        await discover.discover(
            host, IDENT, [ipaddress.ip_network("10.43.0.0/16")], reserve_dns=True
        )
    assert host_api.objects.find(*FOUND) is None
    assert host_api.objects.find(*DNS) is None


async def test_dns_name_that_is_taken_is_refused_with_the_cure(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    stranger = {"metadata": {"name": DNS.name}, "spec": {"ports": [{"port": 53}]}}
    before = host_api.objects.create("services", "team-x", stranger)
    with pytest.raises(Refused, match="choose another release name"):
        await discover.discover(host, IDENT, [], reserve_dns=True)
    assert host_api.objects.get(DNS) == before


async def test_dns_twin_of_an_earlier_pod_of_ours_keeps_its_address(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    assert release
    virt: Obj = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "uid": "u"},
        "spec": {"ports": [{"port": 53}], "clusterIP": "10.96.0.77"},
    }
    host_api.objects.create("services", "team-x", twin(virt, "services"))
    await discover.discover(host, IDENT, [], reserve_dns=True)
    assert host_api.objects.get(FOUND)["data"]["CLUSTER_DNS"] == "10.96.0.77"


async def test_own_service_that_comes_late_is_waited_for(
    host_api: FakeApi, host: Client, release: Place
) -> None:
    own = host_api.objects.get(release)
    host_api.objects.remove(release)

    def make(_asked: object) -> None:
        if not host_api.objects.find(*release):
            host_api.objects.create("services", "team-x", own)

    host_api.between.append(make)
    await host.list(CONFIGMAPS)
    await discover.discover(host, IDENT, [], reserve_dns=False)
    assert host_api.objects.find(*FOUND)


async def test_own_service_that_never_comes_is_named(host: Client) -> None:
    with pytest.raises(Refused, match="Service vc"):
        await discover.discover(host, IDENT, [], reserve_dns=False, wait=0.1)
