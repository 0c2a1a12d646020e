"""What the init container finds out, from hosts of every version, and what it refuses."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.startup import service_cidr
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.fake_services import Addresses, Refusal

pytestmark = pytest.mark.timeout(10)
DNS = Place("services", "team-x", "kube-dns-x-kube-system-x-vc")
FOUND = Place("configmaps", "team-x", "vc-discovered")


def _network(text: str) -> service_cidr.Network:
    return ipaddress.ip_network(text)


def _networks(*texts: str) -> list[service_cidr.Network]:
    return [_network(text) for text in texts]


# --- texts

NOT_VALID = "provided IP is not in the valid range. The range of valid IPs is"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"failed to allocate IP 0.0.0.0: {NOT_VALID} 10.96.0.0/16", "10.96.0.0/16"),
        (f'Invalid value: "0.0.0.0": {NOT_VALID} 10.0.0.0/24', "10.0.0.0/24"),  # 1.16
        ("The range of valid IPs is fd00:10:96::/112", "fd00:10:96::/112"),
        ("the provided network does not match the current range", None),
        ("exceeded quota", None),
        ("", None),
    ],
)
def test_range_that_an_error_names(message: str, found: str | None) -> None:
    assert service_cidr.parse_range(message) == (None if found is None else _network(found))


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", []),
        ("10.96.0.0/12", ["10.96.0.0/12"]),
        ("10.96.0.0/12, fd00::/108", ["10.96.0.0/12", "fd00::/108"]),
        ("10.96.0.0/12,", ["10.96.0.0/12"]),
        ("10.96.0.10/12", ["10.96.0.0/12"]),  # k3s takes that too
    ],
)
def test_ranges_that_the_user_gives(text: str, ranges: list[str]) -> None:
    assert service_cidr.parse_ranges(text) == _networks(*ranges)


@pytest.mark.parametrize("text", ["10.96.0.0/33", "ten", "10.96.0.0/12;rm", "10.96.0/12", "::/x"])
def test_range_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"give it like 10\.96\.0\.0/12"):
        service_cidr.parse_ranges(text)


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ([], ["10.96.0.0/16"], True),
        (["10.96.0.0/12"], ["10.96.0.0/16"], True),
        (["10.96.0.0/16"], ["10.96.0.0/16"], True),
        (["10.96.0.0/17"], ["10.96.0.0/16"], False),
        (["10.43.0.0/16"], ["10.96.0.0/16"], False),
        (["10.96.0.0/12", "fd00::/108"], ["10.96.0.0/16"], True),
        (["10.96.0.0/12"], ["10.96.0.0/16", "fd00::/112"], True),
        (["10.96.0.0/12", "fd00::/108"], ["10.96.0.0/16", "fd00::/112"], True),
        (["10.96.0.0/12", "fd01::/108"], ["10.96.0.0/16", "fd00::/112"], False),
        (["10.96.0.0/16"], ["10.96.0.0/16", "10.97.0.0/16"], False),
        (["10.96.0.0/15"], ["10.96.0.0/16", "10.97.0.0/16"], True),
        (["fd00::/108"], ["10.96.0.0/16"], False),  # no address of the host's could be taken
    ],
)
def test_users_range_must_hold_every_address_that_the_host_gives(
    ours: list[str],
    theirs: list[str],
    fits: bool,  # noqa: FBT001
) -> None:
    if fits:
        service_cidr.check_ranges(_networks(*ours), _networks(*theirs))
    else:
        with pytest.raises(Refused, match=rf"use --service-cidr={theirs[-1]}|{theirs[0]}"):
            service_cidr.check_ranges(_networks(*ours), _networks(*theirs))


# --- the range, from hosts of all versions


def _host(range_text: str = "10.96.0.0/16", **style: Any) -> FakeApi:
    api = FakeApi()
    api.objects.addresses = Addresses(_network(range_text), **style)
    return api


def _unreadable() -> Fault:
    return Fault("LIST", "servicecidrs", status=403, reason="Forbidden", times=9)


VERSIONS: dict[str, dict[str, Any]] = {
    "1.16": {"looks_in_dry_run": False},
    "1.32": {},
    "1.34": {"names_range": (False, True)},
    "without the old allocator": {"names_range": (False, False)},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("service_range", "inside"),
    [
        ("10.96.0.0/16", "10.96.200.7"),
        ("10.96.0.0/12", "10.111.255.254"),
        ("10.0.0.0/24", "10.0.0.1"),
        ("172.20.0.0/28", "172.20.0.5"),
        ("10.96.0.0/16", "10.96.0.16"),  # one bit from the network's own address
        ("10.96.0.0/24", "10.96.0.239"),  # one bit from the broadcast address
        ("fd00:10:96::/112", "fd00:10:96::1"),
        ("fd00:10:96::/108", "fd00:10:96::f:1"),
    ],
)
async def test_range_is_found_and_nothing_is_left_behind(
    version: str, service_range: str, inside: str
) -> None:
    async with _host(service_range, **VERSIONS[version]) as api, api.client("host") as host:
        api.faults.add(_unreadable())
        found = await service_cidr.service_ranges(host, "team-x", inside)
        assert found == _networks(service_range)
        assert api.objects.of("services") == []


async def test_ranges_are_read_where_they_can_be(host_api: FakeApi, host: Client) -> None:
    cidrs = {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16", "fd00::/112"]}}
    host_api.objects.create("servicecidrs", "", cidrs)
    more = {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/16"]}}
    host_api.objects.create("servicecidrs", "", more)
    found = await service_cidr.service_ranges(host, "team-x", "10.96.0.1")
    assert found == _networks("10.96.0.0/16", "fd00::/112", "10.97.0.0/16")
    assert host_api.writes() == []


@pytest.mark.parametrize("status", [403, 404])
async def test_api_of_ranges_that_cannot_be_read_is_no_error(status: int) -> None:
    async with _host() as api, api.client("host") as host:
        api.faults.add(Fault("LIST", "servicecidrs", status=status))
        found = await service_cidr.service_ranges(host, "team-x", "10.96.0.1")
        assert found == _networks("10.96.0.0/16")


async def test_range_of_several_that_does_not_hold_our_own_address_is_not_the_one() -> None:
    """A dry run of 1.33 and later asks any one of several allocators."""
    named = _network("10.200.0.0/24")
    async with (
        _host("10.96.0.0/16", names_range=(False, True), named=named) as api,
        api.client("host") as host,
    ):
        api.faults.add(_unreadable())
        with pytest.raises(Refused, match="give it as"):
            await service_cidr.service_ranges(host, "team-x", "10.96.0.1")


async def test_host_that_does_not_tell_is_refused_with_the_cure(
    host_api: FakeApi, host: Client
) -> None:
    def deny(plural: str, _obj: Obj) -> None:
        if plural == "services":
            raise Refusal(422, "Invalid", "a policy says no")

    host_api.objects.admission.append(deny)
    host_api.faults.add(_unreadable())
    with pytest.raises(Refused, match=r"a policy says no.*--service-cidr"):
        await service_cidr.service_ranges(host, "team-x", "10.96.0.1")
