"""The start: what is waited for, what it says meanwhile, and what ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syncer.app.run import _admin, _api_ip, _until_ready
from syncer.errors import Refused, ServerError, Unauthorized
from syncer.settings import Settings
from syncer.startup.permission_check import check_rights
from syncer.startup.permissions import RIGHTS
from syncer.sync.kinds import BY_DEFAULT
from tests.unit.build import IDENT, settings
from tests.unit.engine import Engine
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Fault
from tests.unit.kube.test_auth import FORMS
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)


def _settings(
    path: Path = Path("/none"), kinds: tuple[str, ...] = BY_DEFAULT, *, leader_elect: bool = False
) -> Settings:
    return settings(
        k3s_data_dir=path / "data",
        k3s_kubeconfig=path / "kube-config.yaml",
        kubeconfig_out=path / "config",
        kinds=frozenset(kinds),
        leader_elect=leader_elect,
    )


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


# --- rights


def _rules(api: FakeApi, *, without: str = "") -> None:
    api.rules = [
        {
            "apiGroups": [right.group],
            "resources": [right.resource],
            "verbs": [verb for verb in right.verbs if f"{verb} {right.resource}" != without],
        }
        for right in RIGHTS
    ]


async def test_host_that_grants_all_is_content(sides: Sides) -> None:
    _rules(sides.host_api)
    await check_rights(sides.host, _settings())
    assert sides.host_api.requests[-1].body["spec"] == {"namespace": "team-x"}


async def test_missing_right_ends_the_start_and_names_verb_and_resource(sides: Sides) -> None:
    _rules(sides.host_api, without="patch services")
    with pytest.raises(Refused, match=r"patch services\. Restore it with: helm upgrade vc"):
        await check_rights(sides.host, _settings())


async def test_missing_right_in_the_whole_cluster_names_the_role_and_who_can_mend_it(
    sides: Sides,
) -> None:
    _rules(sides.host_api, without="watch nodes")
    await check_rights(sides.host, _settings())  # nobody asked for nodes
    wanted = r"ClusterRole virtualcluster:team-x:vc .*: watch nodes\..* may create ClusterRoles"
    with pytest.raises(Refused, match=wanted):
        await check_rights(sides.host, _settings(kinds=(*BY_DEFAULT, "nodes")))


async def test_right_to_the_lease_is_asked_for_where_one_of_several_leads(sides: Sides) -> None:
    _rules(sides.host_api, without="update leases")
    await check_rights(sides.host, _settings())
    with pytest.raises(Refused, match=r"grant: update leases\.coordination\.k8s\.io"):
        await check_rights(sides.host, _settings(leader_elect=True))


@pytest.mark.parametrize("status", [403, 404])
async def test_host_that_does_not_review_rights_is_no_error(sides: Sides, status: int) -> None:
    sides.host_api.faults.add(Fault("POST", status=status))
    await check_rights(sides.host, _settings())


async def test_host_that_fails_is_one(sides: Sides) -> None:
    sides.host_api.faults.add(Fault("POST", status=500))
    with pytest.raises(ServerError):
        await check_rights(sides.host, _settings())


# --- waiting for k3s


@pytest.mark.parametrize("form", FORMS)
async def test_kubeconfig_is_waited_for_until_it_is_whole(form: str, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    task = asyncio.create_task(_admin(settings))
    text, admin = FORMS[form]
    for part in ("", text[: len(text) // 2], text[:-3]):
        settings.k3s_kubeconfig.write_text(part)
        await asyncio.sleep(0.11)
        assert not task.done()
    settings.k3s_kubeconfig.write_text(text)
    async with asyncio.timeout(5):
        assert await task == admin


@pytest.mark.parametrize("status", [0, 403, 404, 500, 503])
async def test_api_that_is_not_ready_yet_is_waited_for(engine: Engine, status: int) -> None:
    engine.virt_api.faults.add(Fault("GET", "namespaces", status=status, times=3))
    await _until_ready(engine.sides.virt)
    asked = [each for each in engine.virt_api.requests if each.resource == "namespaces"]
    assert len(asked) == 4


async def test_api_that_refuses_our_credentials_is_not_waited_for(engine: Engine) -> None:
    """k3s has written others since we read them."""
    engine.virt_api.faults.add(Fault("GET", "namespaces", status=401))
    with pytest.raises(Unauthorized):
        await _until_ready(engine.sides.virt)


async def test_our_own_address_is_what_the_init_container_found(sides: Sides) -> None:
    found = {"metadata": {"name": "vc-discovered"}, "data": {"SERVICE_IP": "10.96.0.77"}}
    sides.host_api.objects.create("configmaps", "team-x", found)
    assert await _api_ip(sides.host, IDENT) == "10.96.0.77"
