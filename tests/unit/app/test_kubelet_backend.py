"""Which host pod a stream is spliced to: exactly the twin of the virtual pod that exists now."""

import pytest

from syncer import identity
from syncer.app.kubelet_backend import PodLookup
from syncer.kube.objects import Obj
from tests.unit.build import container, marked_as, pod, twin, unmarked, world


def _lookup(virt: Obj | None, host: Obj | None) -> PodLookup:
    made = world()
    if virt is not None:
        made.virt["pods"].put(virt)
    if host is not None:
        made.host["pods"].put(host)
    return PodLookup(made)


def _labelled_only() -> Obj:
    host = unmarked(pod(), "pods")
    host["metadata"]["labels"] = {identity.MANAGED_BY: "vc"}
    return host


def test_twin_is_found_with_the_containers_of_the_virtual_pod() -> None:
    virt = pod(
        initContainers=[container(name="init")], ephemeralContainers=[container(name="debug")]
    )
    host = twin(virt, "pods")
    host["spec"] = {"containers": [container(), container(name="injected")]}
    found = _lookup(virt, host).find("default", "web")
    assert found is not None
    assert (found.host_namespace, found.host_name) == ("team-x", "web-x-default-x-vc")
    assert (found.host_uid, found.virt_uid) == ("host-web", "virt-default-web")
    assert found.containers == {"main", "init", "debug"}  # G4: never one that the host injected


@pytest.mark.parametrize(
    ("virt", "host"),
    [
        (None, None),
        (pod(), None),
        (None, twin(pod(), "pods")),
        (pod(), unmarked(pod(), "pods")),
        (pod(), _labelled_only()),
        (pod(), marked_as(twin(pod(), "pods"), "of an earlier pod")),
    ],
)
def test_anything_less_is_not_found(virt: Obj | None, host: Obj | None) -> None:
    """Threats D4, G1, G7."""
    assert _lookup(virt, host).find("default", "web") is None


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("team-x", "web-x-default-x-vc"),
        ("default", "web-x-default-x-vc"),
        ("default", "vc-0"),
        ("default", ""),
        ("", "web"),
    ],
)
def test_host_names_mean_nothing(namespace: str, name: str) -> None:
    """Threats G1."""
    assert _lookup(pod(), twin(pod(), "pods")).find(namespace, name) is None
