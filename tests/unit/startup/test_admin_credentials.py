"""The administrator of k3s, renewed while we run: taken over, and handed to users. Threats R18."""

from __future__ import annotations

import base64
import ssl
import time
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kube.auth import Admin, VirtAccess, read_kubeconfig
from syncer.kube.client import Client
from syncer.kube.ratelimit import Bucket
from syncer.startup.admin_credentials import Credentials
from tests.unit.build import IDENT, settings
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.fake_server import start, stop
from tests.unit.kube.test_auth import CA, FORMS, SERVER, _b64, _file
from tests.unit.kubelet_pki import load, make_client, make_leaf
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
SECRET = Place("secrets", "team-x", "vc-vc")
OLD = FORMS["certificate"][1]


class Followed:
    """Credentials on a kubeconfig in a directory of its own."""

    def __init__(self, sides: Sides, directory: Path, access: VirtAccess, virt: Client) -> None:
        self.written = directory / "kube-config.yaml"
        self.out = directory / "config"
        self.written.write_text(FORMS["certificate"][0])
        self.access = access
        self.host, self.api = sides.host, sides.host_api
        told = settings(k3s_kubeconfig=self.written, kubeconfig_out=self.out)
        self.credentials = Credentials(told, IDENT, access, virt, sides.host)

    def renew(self) -> Admin:
        """Do what k3s does when it starts within its certificates' last months."""
        made = make_client(CA, "system:admin")
        data = {"certificate": made.cert_pem + CA.cert_pem, "key": made.key_pem}
        self.written.write_text(_file({f"client-{k}-data": _b64(v) for k, v in data.items()}))
        return Admin(SERVER, CA.cert_pem, data["certificate"], data["key"], "", "")

    def secret(self) -> bytes:
        """Return the certificate that users find in the Secret."""
        found = self.api.objects.get(SECRET)["data"]
        config = yaml.safe_load(base64.b64decode(found["config"]))
        certificate = base64.b64decode(found["client-certificate"])
        assert config["users"][0]["user"]["client-certificate-data"] == _b64(certificate)
        return certificate


@pytest.fixture
def followed(sides: Sides, tmp_path: Path) -> Followed:
    return Followed(sides, tmp_path, VirtAccess(OLD), sides.virt)


async def test_what_stays_as_it_was_is_handed_out_once(followed: Followed) -> None:
    await followed.credentials.hand_out()
    assert followed.secret() == OLD.certificate
    assert read_kubeconfig(followed.out).certificate == OLD.certificate
    asked = len(followed.api.requests)
    await followed.credentials.look()
    assert len(followed.api.requests) == asked


async def test_renewed_administrator_is_taken_over_and_handed_out(followed: Followed) -> None:
    await followed.credentials.hand_out()
    new = followed.renew()
    await followed.credentials.look()
    assert followed.access.admin == new
    assert followed.secret() == new.certificate
    assert read_kubeconfig(followed.out).certificate == new.certificate


async def test_file_that_is_being_written_is_left_alone(followed: Followed) -> None:
    await followed.credentials.hand_out()
    followed.renew()
    text = followed.written.read_text()
    followed.written.write_text(text[: len(text) // 2])
    await followed.credentials.look()
    assert followed.access.admin == OLD
    assert followed.secret() == OLD.certificate


@pytest.mark.parametrize("status", [0, 500, 403])
async def test_host_that_refuses_is_told_at_the_next_look(followed: Followed, status: int) -> None:
    await followed.credentials.hand_out()
    new = followed.renew()
    followed.api.faults.add(Fault("POST", "secrets", status=status))
    await followed.credentials.look()
    assert followed.access.admin == new
    await followed.credentials.look()
    assert followed.secret() == new.certificate


async def test_replica_that_does_not_lead_writes_its_own_file_only(followed: Followed) -> None:
    followed.host.may_write = lambda: False
    new = followed.renew()
    await followed.credentials.look()
    assert read_kubeconfig(followed.out).certificate == new.certificate
    assert followed.api.objects.find(*SECRET) is None


async def test_next_request_shows_the_new_certificate(sides: Sides, tmp_path: Path) -> None:
    async def serve(request: web.Request) -> web.Response:
        assert request.transport is not None
        shown = request.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        leaf = x509.load_der_x509_certificate(shown)
        return web.json_response({"serial": str(leaf.serial_number)})

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner, url = await start(app, _serving())
    access = VirtAccess(OLD)
    async with Client("virt", access, Bucket(1000.0, 1000, time.monotonic)) as virt:
        followed = Followed(sides, tmp_path, access, virt)
        for admin in (OLD, followed.renew()):
            access.url = url
            answer = await virt.request("GET", "/who", resource="who")
            assert answer["serial"] == _serial(admin)
            await followed.credentials.look()
    await stop(runner)


def _serial(admin: Admin) -> str:
    return str(x509.load_pem_x509_certificate(admin.certificate).serial_number)


def _serving() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=CA.cert_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    load(context, make_leaf(CA, ["k3s"], [], ExtendedKeyUsageOID.SERVER_AUTH, ip="127.0.0.1"))
    return context
