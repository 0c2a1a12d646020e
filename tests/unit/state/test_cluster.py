"""What follows from both sides' stores without asking anybody."""

import pytest

from syncer.identity import DNS_SERVICE
from syncer.kube.objects import Key, Obj
from tests.unit.build import DNS_IP, marked_as, service, twin, world


def test_twins_are_found_by_the_virtual_key() -> None:
    made = world()
    virt = service()
    made.virt["services"].put(virt)
    host = twin(virt, "services")
    made.host["services"].put(host)
    key = Key("services", "default", "web")
    assert (made.virt_object(key), made.host_object(key)) == (virt, host)
    assert made.host_object(key._replace(namespace="other")) is None


@pytest.mark.parametrize(
    ("kind", "host_obj", "found"),
    [
        ("services", twin(service(), "services"), True),
        ("pods", twin(service(), "services"), False),
        ("services", marked_as(twin(service(), "services"), "of-an-earlier-one"), False),
        ("services", twin(service("gone"), "services"), False),
        ("services", service(), False),  # has no marks
    ],
)
def test_host_object_has_an_original(kind: str, host_obj: Obj, found: bool) -> None:  # noqa: FBT001
    made = world()
    virt = service()
    made.virt["services"].put(virt)
    assert made.original(kind, host_obj) == (virt if found else None)


def test_endpoints_are_named_like_the_twin_of_their_service() -> None:
    made = world()
    key = Key("endpoints", "default", "a-x-b")  # ambiguous: the name is a hash over the kind
    assert made.host_name(key) == made.host_name(key._replace(kind="services"))


@pytest.mark.parametrize(("ip", "dns"), [(DNS_IP, DNS_IP), ("None", ""), ("", "")])
def test_address_of_the_virtual_dns_is_its_twins(ip: str, dns: str) -> None:
    made = world()
    assert made.dns_ip() == ""
    virt = service(DNS_SERVICE.name, DNS_SERVICE.namespace)
    made.host["services"].put(twin(virt, "services", spec={"clusterIP": ip}))
    assert made.dns_ip() == dns


def test_services_of_a_namespace() -> None:
    made = world()
    for name, namespace in (("a", "x"), ("b", "x"), ("a", "y")):
        made.virt["services"].put(service(name, namespace))
    assert sorted(each["metadata"]["name"] for each in made.services_in("x")) == ["a", "b"]
    assert made.services_in("z") == []
