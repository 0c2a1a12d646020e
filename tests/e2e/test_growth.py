"""Claims that grow: the virtual API is asked, the host decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import claims
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.waiting import Pending, until


@pytest.fixture(scope="module")
def growing(virt: Virtual, host: Side, release: Release) -> Iterator[str]:
    """A class that grows volumes, of the same name on both sides; nobody does it on this host."""
    name = f"{release.namespace}-grows"
    default_class = claims.default_class(host)
    made = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": default_class["provisioner"],
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    host.api.create(made)
    virt.api.create(made)
    yield name
    host.api.delete("StorageClass", name)
    virt.api.delete("StorageClass", name)


def test_a_claim_grows_on_the_host_and_tells_how_far_it_is(
    virt: Virtual, release: Release, space: str, growing: str
) -> None:
    virt.api.create(
        claims.claim("grows", space, storageClassName=growing), claims.user_of("grows", space)
    )
    wait_ready(virt, space, "uses-grows")
    claim = claims.bound(virt, space, "grows")
    claims.volume(virt, claim)
    virt.api.patch(
        claims.CLAIM, "grows", space, {"spec": {"resources": {"requests": {"storage": "32Mi"}}}}
    )
    api, twin = release.host.api, claims.twin(release, space, "grows")

    def asked() -> bool:
        spec = api.get(claims.CLAIM, twin, release.namespace)["spec"]
        return bool(spec["resources"]["requests"]["storage"] == "32Mi")

    until("the host is asked for more", asked, 30)
    # What the resizer of a storage driver writes.
    resizing = [{"type": "Resizing", "status": "True"}]
    for status in ({"conditions": resizing}, {"conditions": [], "capacity": {"storage": "32Mi"}}):
        api.patch(claims.CLAIM, twin, release.namespace, {"status": status}, sub="status")

        def told(wanted: Obj = status) -> bool:
            now = virt.api.get(claims.CLAIM, "grows", space)["status"]
            types = [each["type"] for each in now.get("conditions") or ()]
            if types != [each["type"] for each in wanted["conditions"]]:
                raise Pending(str(now))
            return bool(now["capacity"] == wanted.get("capacity", now["capacity"]))

        until(f"the claim says {status}", told, 30)
    claims.volume(virt, claim, capacity={"storage": "32Mi"})
    virt.api.delete("Pod", "uses-grows", space)
    virt.api.delete(claims.CLAIM, "grows", space)


def test_growth_that_the_host_does_not_offer_is_refused_and_says_why(
    virt: Virtual, host: Side, release: Release, space: str
) -> None:
    name = claims.default_class(host)["metadata"]["name"]
    later = claims.are_named_later(virt, space, name)
    named = {} if later else {"storageClassName": name}
    virt.api.create(claims.claim("fixed", space, **named), claims.user_of("fixed", space))
    wait_ready(virt, space, "uses-fixed")
    assert claims.bound(virt, space, "fixed")["spec"]["storageClassName"] == name
    more = '{"spec":{"resources":{"requests":{"storage":"32Mi"}}}}'
    patch = ("patch", "pvc", "-n", space, "fixed", "-p", more)
    refused = virt.kubectl(*patch, check=False)
    assert "must support resize" in refused.err, "the virtual API refuses what it knows no class of"
    # A class of the tenant's own that promises more than the host's of that name does.
    promise = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "of.the.tenant",
        "allowVolumeExpansion": True,
    }
    virt.api.create(promise)
    try:

        def accepted() -> bool:
            return virt.kubectl(*patch, check=False).code == 0

        until("the virtual API knows the class", accepted, 30)
        told = claims.event(virt, space, "fixed", "HostForbids")
        assert "must support resize" in told["message"]
        assert release.namespace not in told["message"]
    finally:
        virt.api.delete("StorageClass", name)
        virt.api.delete("Pod", "uses-fixed", space)
        virt.api.delete(claims.CLAIM, "fixed", space)
