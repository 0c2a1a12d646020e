"""Secrets on their way to the host."""

import pytest

from syncer.kube.objects import Key
from syncer.translate.secrets import to_host
from tests.unit.build import IDENT, SCOPE, secret


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Opaque", "Opaque"),
        ("kubernetes.io/tls", "kubernetes.io/tls"),
        ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockerconfigjson"),
        ("kubernetes.io/service-account-token", "Opaque"),
        ("bootstrap.kubernetes.io/token", "Opaque"),
        ("helm.sh/release.v1", "Opaque"),
        ("tenant/own", "tenant/own"),
    ],
)
def test_secret_of_a_type_that_a_host_controller_acts_on_becomes_plain(
    kind: str, expected: str
) -> None:
    """Threats B3."""
    account = {"kubernetes.io/service-account.name": "vc-syncer"}
    virt = secret(type=kind, metadata={"annotations": account}, immutable=True)
    made = to_host(virt, SCOPE)
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": IDENT.metadata(Key("secrets", "default", "cred"), secret()),
        "type": expected,
        "data": {"key": "dmFsdWU="},
    }


def test_secret_that_poses_as_a_helm_release_is_no_longer_one() -> None:
    """Threats C6: Helm finds its history by labels."""
    labels = {"owner": "helm", "name": "vc", "status": "deployed", "version": "99"}
    made = to_host(secret(metadata={"labels": labels}), SCOPE)
    assert not made["metadata"]["labels"].keys() & labels.keys()
