"""Where objects of each type are found."""

import pytest

from syncer.kube import resources
from syncer.kube.resources import Resource


@pytest.mark.parametrize(
    ("resource", "args", "path"),
    [
        (resources.PODS, (), "/api/v1/pods"),
        (resources.PODS, ("ns",), "/api/v1/namespaces/ns/pods"),
        (resources.PODS, ("ns", "web"), "/api/v1/namespaces/ns/pods/web"),
        (resources.PODS, ("ns", "web", "status"), "/api/v1/namespaces/ns/pods/web/status"),
        (resources.NODES, ("", "node-1"), "/api/v1/nodes/node-1"),
        (resources.NODES, ("ignored", "node-1"), "/api/v1/nodes/node-1"),
        (resources.NAMESPACES, ("", "kube-system"), "/api/v1/namespaces/kube-system"),
        (
            resources.INGRESSES,
            ("ns", "web"),
            "/apis/networking.k8s.io/v1/namespaces/ns/ingresses/web",
        ),
    ],
)
def test_path(resource: Resource, args: tuple[str, ...], path: str) -> None:
    assert resource.path(*args) == path


@pytest.mark.parametrize(
    ("resource", "version"),
    [(resources.PODS, "v1"), (resources.INGRESSES, "networking.k8s.io/v1")],
)
def test_api_version(resource: Resource, version: str) -> None:
    assert resource.api_version == version
