"""ConfigMaps on their way to the host."""

import pytest

from syncer.kube.objects import Key, Obj
from syncer.translate.configmaps import to_host
from tests.unit.build import IDENT, SCOPE, configmap


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}),
        ({"data": None, "binaryData": {"b": "MQ=="}}, {"binaryData": {"b": "MQ=="}}),
        ({"data": {}}, {}),
        ({"immutable": True}, {"data": {"key": "value"}}),  # the tenant may delete and re-create
    ],
)
def test_configmap(fields: Obj, expected: Obj) -> None:
    made = to_host(configmap(**fields), SCOPE)
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": IDENT.metadata(Key("configmaps", "default", "conf"), configmap()),
        **expected,
    }
