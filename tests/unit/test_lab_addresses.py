"""The lab's addresses: derived from its name, never shared, never in the way of others."""

from ipaddress import IPv4Network
from itertools import pairwise

import pytest

from lab.addresses import (
    CLUSTER_DNS,
    MAX_NODES,
    SERVICE_CIDR,
    SLOTS,
    Addresses,
    check_name,
    choose_slot,
    preferred_slot,
)
from lab.errors import LabError

ALL = [Addresses(slot) for slot in range(SLOTS)]


def test_a_name_always_gets_the_same_slot() -> None:
    assert choose_slot("virtualcluster", []) == choose_slot("virtualcluster", [])


def test_slots_spread_over_names() -> None:
    slots = {preferred_slot(f"lab-{n}") for n in range(SLOTS)}
    assert len(slots) > SLOTS / 2


def test_a_taken_slot_is_passed_over() -> None:
    first = choose_slot("a", [])
    assert choose_slot("a", [first]) == (first + 1) % SLOTS


def test_a_route_of_the_machine_is_passed_over() -> None:
    first = choose_slot("a", [])
    for foreign in (Addresses(first).network, Addresses(first).pods):
        assert choose_slot("a", [], [foreign]) != first


def test_the_default_route_is_in_nobodys_way() -> None:
    assert choose_slot("a", [], [IPv4Network("0.0.0.0/0")]) == preferred_slot("a")


def test_when_every_slot_is_taken_it_says_so() -> None:
    with pytest.raises(LabError, match="no free addresses"):
        choose_slot("a", range(SLOTS))


def test_no_two_labs_overlap() -> None:
    for networks in ([a.network for a in ALL], [a.pods for a in ALL]):
        ordered = sorted(networks)
        pairs = pairwise(ordered)
        assert not any(left.overlaps(right) for left, right in pairs)


@pytest.mark.parametrize("foreign", ["10.96.0.0/12", "10.42.0.0/15", "127.0.0.0/8", "192.0.2.0/24"])
def test_no_lab_overlaps_what_users_values_name(foreign: str) -> None:
    other = IPv4Network(foreign)
    assert not any(a.network.overlaps(other) or a.pods.overlaps(other) for a in ALL)


def test_nodes_and_their_pods_lie_in_the_labs_networks() -> None:
    for addresses in (ALL[0], ALL[-1]):
        nodes = [addresses.node(n) for n in range(1, MAX_NODES + 1)]
        pods = [addresses.node_pods(n) for n in range(1, MAX_NODES + 1)]
        assert len({*nodes, addresses.gateway, addresses.switch}) == MAX_NODES + 2
        assert all(node in addresses.network for node in nodes)
        assert all(network.subnet_of(addresses.pods) for network in pods)
        assert len(set(pods)) == MAX_NODES


def test_the_service_range_lies_in_the_one_of_users_values() -> None:
    assert SERVICE_CIDR.subnet_of(IPv4Network("10.96.0.0/12"))
    assert CLUSTER_DNS in SERVICE_CIDR


@pytest.mark.parametrize("name", ["a", "virtualcluster", "e2e-1", "x" * 24])
def test_good_names_pass(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "a.b", "..", "x" * 25, "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="lab name"):
        check_name(name)
