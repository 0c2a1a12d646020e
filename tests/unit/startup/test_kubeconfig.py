"""The kubeconfigs that users get: whole, theirs alone, and written only when they change."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncer.kube.auth import Admin, read_kubeconfig
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.startup import kubeconfig
from tests.unit.build import IDENT
from tests.unit.fake_api import FakeApi
from tests.unit.fake_objects import Place
from tests.unit.kube.test_auth import FORMS

pytestmark = pytest.mark.timeout(10)
SECRET = Place("secrets", "team-x", "vc-vc")
ADMINS = [admin for _, admin in FORMS.values()]


@pytest.fixture(params=ADMINS, ids=list(FORMS))
def admin(request: Any) -> Admin:
    made: Admin = request.param
    return made


def test_what_is_rendered_can_be_read_and_leads_to_the_same_administrator(
    admin: Admin, tmp_path: Path
) -> None:
    (tmp_path / "config").write_bytes(kubeconfig.render(admin, "https://there:443", "mine"))
    assert read_kubeconfig(tmp_path / "config") == admin._replace(server="https://there:443")


def test_names_are_the_releases(admin: Admin) -> None:
    config = yaml.safe_load(kubeconfig.render(admin, "https://there", "mine"))
    assert config["current-context"] == "mine"
    assert [each["name"] for each in config["clusters"] + config["users"]] == ["mine", "mine"]
    assert config["contexts"] == [{"name": "mine", "context": {"cluster": "mine", "user": "mine"}}]


def test_file_leads_through_a_port_forward_and_is_ours_alone(admin: Admin, tmp_path: Path) -> None:
    path = tmp_path / ".kube" / "config"
    for _ in range(2):
        kubeconfig.write(admin, 8443, "vc", path)
        assert read_kubeconfig(path).server == "https://127.0.0.1:8443"
        assert path.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in path.parent.iterdir()] == ["config"]


def _data(secret: Obj) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in secret["data"].items()}


async def test_secret_holds_both_ways_in_and_the_parts(
    admin: Admin, host_api: FakeApi, host: Client
) -> None:
    await kubeconfig.publish(host, IDENT, admin, 8443)
    secret = host_api.objects.get(SECRET)
    assert secret["type"] == "Opaque"
    assert secret["metadata"]["ownerReferences"] == [IDENT.owner()]
    data = _data(secret)
    servers = {
        name: yaml.safe_load(data[name])["clusters"][0]["cluster"]["server"]
        for name in ("config", "config-in-cluster")
    }
    assert servers == {
        "config": "https://127.0.0.1:8443",
        "config-in-cluster": "https://vc.team-x.svc",
    }
    assert data["certificate-authority"] == admin.ca
    assert data.get("client-certificate", b"") == admin.certificate
    assert data.get("client-key", b"") == admin.key


async def test_secret_is_not_written_again_until_the_administrator_changes(
    host_api: FakeApi, host: Client
) -> None:
    """Threats R18."""
    old, new = FORMS["certificate"][1], FORMS["password"][1]
    await kubeconfig.publish(host, IDENT, old, 8443)
    version = host_api.objects.version
    await kubeconfig.publish(host, IDENT, old, 8443)
    assert host_api.objects.version == version
    await kubeconfig.publish(host, IDENT, new, 8443)
    data = _data(host_api.objects.get(SECRET))
    assert b"0123456789abcdef" in data["config"]
    assert "client-key" not in data  # the old one's key is no longer right


async def test_secret_that_somebody_emptied_is_filled_again(
    admin: Admin, host_api: FakeApi, host: Client
) -> None:
    await kubeconfig.publish(host, IDENT, admin, 8443)
    before = host_api.objects.get(SECRET)["data"]
    host_api.objects.patch(SECRET, {"data": None})
    await kubeconfig.publish(host, IDENT, admin, 8443)
    assert host_api.objects.get(SECRET)["data"] == before
