"""Requests to an API server over real HTTP: typed answers, bounded patience, whole lists."""

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from syncer import errors
from syncer.errors import ApiError, Gone, NotLeading, ServerError, TooManyRequests, Unreachable
from syncer.kube.client import PAGE, STRATEGIC, Client
from syncer.kube.objects import Obj
from syncer.kube.ratelimit import Bucket
from syncer.kube.resources import CONFIGMAPS, NODES, PODS, SERVICE_ACCOUNTS
from syncer.kube.watch_decoder import Event
from tests.unit.build import pod
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import STATUSES, Fault
from tests.unit.fake_objects import Place
from tests.unit.fake_server import FakeAccess, client, start, stop

pytestmark = pytest.mark.timeout(10)


def _conf(name: str = "conf") -> Obj:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"key": "value"}}


async def test_object_is_created_read_updated_patched_and_deleted(
    host_api: FakeApi, host: Client
) -> None:
    made = await host.create(CONFIGMAPS, "default", _conf())
    assert made["metadata"]["uid"]
    assert await host.get(CONFIGMAPS, "default", "conf") == made
    updated = await host.update(CONFIGMAPS, {**made, "data": {"key": "2"}})
    assert updated["data"] == {"key": "2"}
    patched = await host.patch(CONFIGMAPS, updated, {"data": {"other": "3"}})
    assert patched["data"] == {"key": "2", "other": "3"}
    await host.delete(CONFIGMAPS, patched)
    assert host_api.objects.find("configmaps", "default", "conf") is None


async def test_object_of_no_namespace(host_api: FakeApi, host: Client) -> None:
    await host.create(NODES, "", {"metadata": {"name": "node-1"}, "spec": {}})
    assert (await host.get(NODES, "", "node-1"))["metadata"]["name"] == "node-1"
    assert host_api.requests[-1].namespace == ""


async def test_fields_that_nobody_knows_survive_a_round_trip(host: Client) -> None:
    odd = {**_conf(), "fieldOfTheFuture": {"deep": [1, None, "ü\u2028"]}}
    await host.create(CONFIGMAPS, "default", odd)
    assert (await host.get(CONFIGMAPS, "default", "conf"))["fieldOfTheFuture"] == {
        "deep": [1, None, "ü\u2028"]
    }


async def test_request_says_who_asks(host_api: FakeApi, host: Client) -> None:
    await host.list(PODS)
    headers = host_api.requests[-1].headers
    assert headers["Authorization"] == "Bearer test"
    assert headers["User-Agent"] == "virtualcluster-syncer"


async def test_dry_run_makes_nothing(host_api: FakeApi, host: Client) -> None:
    made = await host.create(CONFIGMAPS, "default", _conf(), dry_run=True)
    assert made["metadata"]["name"] == "conf"
    assert host_api.objects.of("configmaps") == []


async def test_subresource_of_the_object_that_is_named_in_the_body(
    host_api: FakeApi, host: Client
) -> None:
    body = {"metadata": {"name": "robot", "namespace": "default"}, "spec": {}}
    answer = await host.create(SERVICE_ACCOUNTS, "default", body, subresource="token")
    assert answer["status"]["token"] == "token-1"
    asked = host_api.requests[-1]
    assert (asked.resource, asked.name) == ("serviceaccounts/token", "robot")


# --- writing only while that is allowed


WRITES = {
    "create": lambda client, obj: client.create(CONFIGMAPS, "default", obj),
    "update": lambda client, obj: client.update(CONFIGMAPS, obj),
    "patch": lambda client, obj: client.patch(CONFIGMAPS, obj, {"data": {"key": "2"}}),
    "delete": lambda client, obj: client.delete(CONFIGMAPS, obj),
}


@pytest.mark.parametrize("write", WRITES)
async def test_nothing_is_written_by_one_that_does_not_lead(
    host_api: FakeApi, host: Client, write: str
) -> None:
    made = await host.create(CONFIGMAPS, "default", _conf())
    host_api.requests.clear()
    host.may_write = lambda: False
    with pytest.raises(NotLeading):
        await WRITES[write](host, made)
    assert host_api.requests == []
    await host.get(CONFIGMAPS, "default", "conf")
    await host.list(CONFIGMAPS)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("connected", [True, False])
async def test_write_that_was_under_way_when_the_lead_was_lost_is_not_sent(
    host_api: FakeApi, write: str, *, connected: bool
) -> None:
    """Threats R16: stopped after the question, gone on before the first byte."""
    async with host_api.client("host") as host:
        made = host_api.objects.create("configmaps", "default", _conf())
        if connected:
            await host.get(CONFIGMAPS, "default", "conf")
        host_api.requests.clear()
        answers = iter([True, False])
        host.may_write = lambda: next(answers)
        with pytest.raises(Unreachable, match="not sent"):
            await WRITES[write](host, made)
        assert host_api.requests == []
        assert host_api.objects.find("configmaps", "default", "conf") == made
        host.may_write = lambda: True
        await host.delete(CONFIGMAPS, made)  # the client itself is none the worse for it


async def test_patch_and_delete_hit_only_the_object_that_was_seen(
    host_api: FakeApi, host: Client
) -> None:
    """Threats rule 3: an object of the same name that came later is another one."""
    seen = await host.create(CONFIGMAPS, "default", _conf())
    await host.delete(CONFIGMAPS, seen)
    later = await host.create(CONFIGMAPS, "default", _conf())
    with pytest.raises(errors.Conflict):
        await host.patch(CONFIGMAPS, seen, {"data": {"key": "stolen"}})
    with pytest.raises(errors.Conflict):
        await host.delete(CONFIGMAPS, seen)
    assert host_api.objects.of("configmaps") == [later]


async def test_update_that_lost_the_race_is_a_conflict(host: Client) -> None:
    seen = await host.create(CONFIGMAPS, "default", _conf())
    await host.patch(CONFIGMAPS, seen, {"data": {"key": "2"}})
    with pytest.raises(errors.Conflict):
        await host.update(CONFIGMAPS, seen)


async def test_patch_of_a_status_and_of_containers_by_name(host_api: FakeApi, host: Client) -> None:
    made = await host.create(PODS, "default", pod())
    await host.patch(PODS, made, {"status": {"phase": "Running"}}, subresource="status")
    change = {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}
    await host.patch(PODS, made, change, content_type=STRATEGIC)
    found = host_api.objects.get(Place("pods", "default", "web"))
    assert found["status"]["phase"] == "Running"
    assert found["spec"]["containers"] == [{"name": "main", "image": "busybox:2"}]


@pytest.mark.parametrize("grace", [None, 0, 30])
async def test_grace_of_a_deletion(grace: int | None, host_api: FakeApi, host: Client) -> None:
    made = await host.create(PODS, "default", pod(nodeName="node-1"))
    await host.delete(PODS, made, grace=grace)
    body = host_api.requests[-1].body
    assert body.get("gracePeriodSeconds") == grace
    assert body["preconditions"] == {"uid": made["metadata"]["uid"]}


@pytest.mark.parametrize(("status", "reason", "kind"), STATUSES)
async def test_answer_is_a_typed_error_that_names_its_side(
    status: int, reason: str, kind: type[ApiError], host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("GET", status=status, reason=reason, message="why"))
    with pytest.raises(kind) as caught:
        await host.get(PODS, "default", "web")
    assert type(caught.value) is kind
    assert (caught.value.side, caught.value.message) == ("host", "why")


@pytest.mark.parametrize("body", [b"", b"Too many requests\n", b"<html>", b"[]", b"\xff\xfe"])
async def test_error_without_a_status_object_is_typed_all_the_same(
    body: bytes, host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("GET", status=503, body=body))
    with pytest.raises(ServerError):
        await host.get(PODS, "default", "web")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[]", b"null", b'"text"'])
async def test_success_that_is_no_json_object_is_no_answer(
    body: bytes, host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("GET", status=200, body=body))
    with pytest.raises(Unreachable):
        await host.get(PODS, "default", "web")


async def test_cut_connection_and_a_server_that_is_away_are_no_answer(
    host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("POST", times=9))
    with pytest.raises(Unreachable, match="host POST configmaps"):
        await host.create(CONFIGMAPS, "default", _conf())
    access, bucket = FakeAccess("http://127.0.0.1:1"), Bucket(1000.0, 1000, time.monotonic)
    async with Client("virt", access, bucket) as away:
        with pytest.raises(Unreachable, match="virt GET pods"):
            await away.get(PODS, "default", "web")


async def test_missing_credentials_are_no_answer(host_api: FakeApi) -> None:
    """A projected token may be missing for a moment."""

    class Lost(FakeAccess):
        def headers(self) -> dict[str, str]:
            return {"Authorization": Path("/does/not/exist").read_text()}

    access = Lost(host_api.url)
    async with Client("host", access, Bucket(1000.0, 1000, time.monotonic)) as client:
        with pytest.raises(Unreachable):
            await client.get(PODS, "default", "web")
        with pytest.raises(Unreachable):
            await anext(client.watch(PODS, since="1"))


async def test_client_that_is_not_open_is_no_answer(host_api: FakeApi) -> None:
    client = host_api.client("host")
    with pytest.raises(Unreachable):
        await client.list(PODS)
    async with client:
        await client.list(PODS)
    with pytest.raises(Unreachable):
        await client.list(PODS)


async def test_after_a_reconnect_requests_use_new_connections_and_a_watch_goes_on() -> None:
    """Threats R18: on an old connection the server would still see the old certificate."""
    more = asyncio.Event()

    async def serve(request: web.Request) -> web.StreamResponse:
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        if "watch" not in request.query:
            return web.json_response({"port": port})
        stream = web.StreamResponse()
        await stream.prepare(request)
        await more.wait()
        line = {"type": "ADDED", "object": {"metadata": {"name": "late", "resourceVersion": "2"}}}
        await stream.write(orjson.dumps(line) + b"\n")
        return stream

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner, url = await start(app)
    async with client("virt", url) as virt:

        async def port() -> Any:
            return (await virt.request("GET", "/port", resource="ports"))["port"]

        async def watched() -> list[Event]:
            return [each async for each in virt.watch(PODS, since="1", on_open=opened.set)]

        opened = asyncio.Event()
        watching = asyncio.create_task(watched())
        await opened.wait()
        before = await port()
        assert await port() == before
        virt.reconnect()
        assert await port() != before
        more.set()
        assert [each.obj["metadata"]["name"] for each in await watching] == ["late"]
    await stop(runner)


@pytest.mark.parametrize(
    ("method", "known", "kind"),
    [
        # A tenant's admission can answer a write with any status, and none of its is a GET's.
        ("POST", True, errors.AdmissionDenied),
        ("PATCH", True, errors.AdmissionDenied),
        ("PUT", True, errors.AdmissionDenied),
        ("DELETE", True, errors.AdmissionDenied),
        ("POST", False, errors.Unauthorized),
        ("DELETE", False, errors.Unauthorized),
        ("GET", True, errors.Unauthorized),
    ],
)
async def test_credentials_are_lost_only_when_reading_says_so_too(
    method: str, kind: type[ApiError], virt_api: FakeApi, virt: Client, *, known: bool
) -> None:
    virt_api.faults.add(Fault(method, "pods", status=401))
    if not known:
        virt_api.faults.add(Fault("GET", "version", status=401))
    with pytest.raises(ApiError) as caught:
        await virt.request(method, "/api/v1/namespaces/default/pods/web", resource="pods", body={})
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.side) == (401, "virt")


async def test_redirect_is_not_followed(host_api: FakeApi, host: Client) -> None:
    """Threats G5, H3: nobody but us decides where our credentials go."""
    there = {"Location": f"{host_api.url}/api/v1/namespaces/default/secrets/other"}
    host_api.faults.add(Fault("GET", "pods", status=302, headers=there, body=b"{}"))
    host_api.faults.add(Fault("WATCH", "pods", status=302, headers=there, body=b"{}"))
    with pytest.raises(ApiError):
        await host.get(PODS, "default", "web")
    with pytest.raises(ApiError):
        await anext(host.watch(PODS, since="1"))
    assert {each.resource for each in host_api.requests} == {"pods"}


async def test_retry_after_holds_every_request_for_that_long(
    host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault("GET", status=429, headers={"Retry-After": "0.2"}))
    with pytest.raises(TooManyRequests) as caught:
        await host.get(PODS, "default", "web")
    assert caught.value.retry_after == 0.2
    began = time.monotonic()
    await host.list(PODS)
    assert time.monotonic() - began >= 0.19


async def test_pause_that_a_tenants_webhook_asks_for_holds_no_other_request(
    virt_api: FakeApi, virt: Client
) -> None:
    virt_api.faults.add(Fault("GET", status=429, headers={"Retry-After": "30"}))
    with pytest.raises(TooManyRequests) as caught:
        await virt.get(PODS, "default", "web")
    assert caught.value.retry_after == 30
    async with asyncio.timeout(2):
        await virt.list(PODS)


async def test_requests_are_counted_by_method_resource_and_answer(
    host_api: FakeApi, host: Client
) -> None:
    await host.create(CONFIGMAPS, "default", _conf())
    with pytest.raises(errors.AlreadyExists):
        await host.create(CONFIGMAPS, "default", _conf())
    await host.list(PODS)
    host_api.objects.compact()
    with pytest.raises(Gone):
        await anext(host.watch(PODS, since="1"))
    assert host.requests == {
        ("POST", "configmaps", 201): 1,
        ("POST", "configmaps", 409): 1,
        ("GET", "pods", 200): 1,
        ("WATCH", "pods", 410): 1,
    }


async def test_requests_without_an_answer_are_counted_as_such(
    host_api: FakeApi, host: Client
) -> None:
    host_api.faults.add(Fault(status=0, times=9))
    with pytest.raises(Unreachable):
        await host.list(PODS)
    with pytest.raises(Unreachable):
        await anext(host.watch(PODS, since="1"))
    assert host.requests == {("GET", "pods", 0): 1, ("WATCH", "pods", 0): 1}


async def test_time_to_an_answer_is_counted_by_method_errors_included(
    host_api: FakeApi, host: Client
) -> None:
    await host.create(CONFIGMAPS, "default", _conf())
    host_api.faults.add(Fault("POST", "configmaps", status=500))
    with pytest.raises(errors.ServerError):
        await host.create(CONFIGMAPS, "default", _conf("other"))
    await host.list(PODS)
    assert {method: sum(took.counts) for method, took in host.took.items()} == {
        "GET": 1,
        "POST": 2,
        "PUT": 0,
        "PATCH": 0,
        "DELETE": 0,
    }
    assert 0.0 < host.took["POST"].total < 5.0


async def test_pause_that_the_server_asks_for_is_told(host_api: FakeApi, host: Client) -> None:
    assert host.throttled == 0.0
    host_api.faults.add(Fault("LIST", "pods", status=429, headers={"Retry-After": "0.2"}))
    with pytest.raises(TooManyRequests):
        await host.list(PODS)
    await host.list(PODS)
    assert 0.1 < host.throttled < 0.5


async def test_list_gives_every_page_and_the_version_to_watch_from(
    host_api: FakeApi, host: Client
) -> None:
    count = 2 * PAGE + 1
    for number in range(count):
        host_api.objects.create("configmaps", "default", _conf(f"conf-{number}"))
    items, version = await host.list(CONFIGMAPS, "default")
    assert len({item["metadata"]["name"] for item in items}) == count
    assert version == str(host_api.objects.version)
    assert len(host_api.made("LIST", "configmaps")) == 3


async def test_items_of_a_list_say_what_they_are(host_api: FakeApi, host: Client) -> None:
    """An API server leaves kind and version out of a list's items."""
    host_api.objects.create("configmaps", "default", _conf())
    (item,), _ = await host.list(CONFIGMAPS)
    assert (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


async def test_list_of_nothing(host_api: FakeApi, host: Client) -> None:
    assert await host.list(CONFIGMAPS) == ([], str(host_api.objects.version))


async def test_list_by_selectors_and_namespace(host_api: FakeApi, host: Client) -> None:
    for name, namespace, labels in (("a", "x", {"k": "1"}), ("b", "x", {}), ("c", "y", {"k": "1"})):
        meta = {"name": name, "labels": labels}
        host_api.objects.create("configmaps", namespace, {"metadata": meta})

    async def names(**selectors: str) -> list[str]:
        namespace = selectors.pop("namespace", "")
        items, _ = await host.list(CONFIGMAPS, namespace, **selectors)
        return sorted(item["metadata"]["name"] for item in items)

    assert await names() == ["a", "b", "c"]
    assert await names(namespace="x") == ["a", "b"]
    assert await names(selector="k=1") == ["a", "c"]
    assert await names(selector="k=1", fields="metadata.name=c") == ["c"]


async def test_list_of_one_name_has_no_limit(host_api: FakeApi, host: Client) -> None:
    """API servers such as 1.30 pass it on to the datastore, and kine refuses it for one key."""
    host_api.objects.create("pods", "ns", {"metadata": {"name": "a"}})
    for fields in ("metadata.name=a", ""):
        await host.list(PODS, "ns", fields=fields)
    assert ["limit" in each.query for each in host_api.made("LIST", "pods")] == [False, True]


async def test_continuation_that_expired_between_pages_is_gone(
    host_api: FakeApi, host: Client
) -> None:
    for number in range(PAGE + 1):
        host_api.objects.create("configmaps", "default", _conf(f"conf-{number}"))
    host_api.between.append(lambda _asked: host_api.objects.compact())
    with pytest.raises(Gone):
        await host.list(CONFIGMAPS)
