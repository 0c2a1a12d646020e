"""Several pods' tokens in one Secret: who may share, until when it stays, how it is renewed."""

from __future__ import annotations

import asyncio
import base64

import pytest

from syncer.errors import ServerError
from syncer.identity import virtual_key
from syncer.kube.objects import Key, Obj, uid_of
from syncer.state.token_index import HELD, holders
from syncer.sync.pods.tokens import TOGETHER, TOKENS_TOGETHER, Tokens
from syncer.translate import volumes
from syncer.translate.pods import key as key_of
from syncer.translate.pods import to_host, token_secret_name
from tests.unit.build import DNS_IP, IDENT, SCOPE, Clock, pod, token_pod
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
HOUR = 3600


class Burst:
    """Pods that wait to be made."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.clock = Clock(1_000_000)
        self.tokens = Tokens(sides.world, sides.virt, sides.host, self.clock)
        self.lives(HOUR)
        self.pods: dict[str, Obj] = {}

    def lives(self, seconds: float) -> None:
        self.sides.virt_api.token_seconds = int(self.clock.now + seconds)
        self.sides.virt_api.token_life = int(seconds)

    def add(self, *names: str) -> None:
        for name in names:
            self.pods[name] = self.sides.add_virt("pods", token_pod(name))

    async def issue(self, name: str, *others: Obj) -> str:
        """Let a pod get its tokens, while others wait; return the Secret's name."""
        virt = self.pods[name]
        waiting = [*others, *(each for at, each in self.pods.items() if at != name)]
        issued = await self.tokens.issue(key_of(virt), virt, lambda: waiting)
        assert issued is not None
        return issued.secret

    async def make(self, name: str) -> str:
        """Let a pod get its tokens and its host pod."""
        virt = self.pods[name]
        issued = await self.tokens.issue(key_of(virt), virt, lambda: list(self.pods.values()))
        assert issued is not None
        host = to_host(virt, [], DNS_IP, SCOPE)
        volumes.look_in(host, token_secret_name(IDENT, virt), issued.secret)
        self.sides.add_host("pods", host)
        return issued.secret

    def hosttoken_pod(self, name: str) -> Obj:
        found = self.sides.host_obj("pods", name)
        assert found is not None
        return found

    def uids(self, *names: str) -> set[str]:
        return {uid_of(self.pods[name]) for name in names}

    def refuse(self, name: str, status: int) -> None:
        """Let the next request for a token fail that is bound to this pod."""
        self.sides.virt_api.faults.add(
            Fault("POST", "serviceaccounts/token", status=status, bound_to=name)
        )

    async def renew(self, name: str) -> float | None:
        self.sides.sync()
        return await self.tokens.renew(self.pods[name], self.hosttoken_pod(name))

    async def end(self, name: str) -> None:
        """Let a pod go on both sides."""
        self.sides.virt_api.objects.remove(Place("pods", "default", name))
        self.sides.host_api.objects.remove(self.sides.host_place("pods", name))
        self.sides.sync()
        await self.tokens.forget(Key("pods", "default", name))

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what each Secret holds, by the pod's UID."""
        return {
            secret["metadata"]["name"]: {
                at.partition(".")[0]: base64.b64decode(text).decode()
                for at, text in secret["data"].items()
            }
            for secret in self.sides.host_api.objects.of("secrets", "team-x")
        }


@pytest.fixture
def burst(sides: Sides) -> Burst:
    return Burst(sides)


async def test_pods_that_wait_get_their_tokens_in_one_secret(burst: Burst) -> None:
    burst.add("a", "b", "c")
    names = {await burst.make(name) for name in "abc"}
    assert len(names) == 1
    (held,) = burst.secrets().values()
    assert held.keys() == burst.uids("a", "b", "c")
    assert len(set(held.values())) == 3
    assert len(burst.sides.asked("host", "POST", "secrets")) == 1


async def test_each_token_is_bound_to_its_own_pod_and_mounted_by_no_other(burst: Burst) -> None:
    """Threats B4."""
    burst.add("a", "b")
    for name in "ab":
        await burst.make(name)
    asked = burst.sides.asked("virt", "POST", "serviceaccounts/token")
    bound = [each.body["spec"]["boundObjectRef"]["uid"] for each in asked]
    assert sorted(bound) == sorted(burst.uids("a", "b"))
    for name in "ab":
        places = volumes.token_places(burst.pods[name], burst.hosttoken_pod(name)).values()
        assert [place.key for place in places] == [f"{uid_of(burst.pods[name])}.api.0"]


@pytest.mark.parametrize(
    ("other", "together"),
    [
        (token_pod("b"), True),
        (token_pod("b", serviceAccountName="default"), True),
        (token_pod("b", serviceAccountName="robot"), False),  # another identity
        (token_pod("b", namespace="other"), False),  # another of that name
        (token_pod("b", {"audience": "vault"}), False),  # what "a" did not ask for
        (token_pod("b", {"expirationSeconds": 600}), False),  # another time to renew them
        (token_pod("b", {}, {}), False),
        (pod("b"), False),  # wants none
    ],
)
async def test_who_shares_a_secret(burst: Burst, other: Obj, *, together: bool) -> None:
    """A node must learn no token that says or opens more than those of its own pods."""
    burst.add("a")
    (a,) = burst.uids("a")
    waits = burst.sides.add_virt("pods", other)
    await burst.issue("a", waits)
    (held,) = burst.secrets().values()
    assert held.keys() == ({a, uid_of(waits)} if together else {a})


async def test_a_secret_holds_no_more_pods_than_is_good(burst: Burst) -> None:
    burst.add(*(f"p{n}" for n in range(TOGETHER + 3)))
    await burst.issue("p0")
    (held,) = burst.secrets().values()
    assert len(held) == TOGETHER


async def test_a_secret_holds_no_more_tokens_than_is_good(burst: Burst) -> None:
    """The API takes a mebibyte: what does not fit is refused, and would be for ever."""
    wishes = [{"path": f"token-{n}"} for n in range(TOKENS_TOGETHER // 2)]
    for name in ("a", "b", "c"):
        burst.pods[name] = burst.sides.add_virt("pods", token_pod(name, *wishes))
    await burst.issue("a")
    (held,) = burst.secrets().values()
    assert held.keys() == burst.uids("a", "b")


async def test_pods_that_are_made_at_once_make_one_secret(burst: Burst) -> None:
    burst.add("a", "b", "c")
    names = await asyncio.gather(*(burst.issue(name) for name in "abc"))
    assert len(set(names)) == 1
    assert len(burst.sides.asked("virt", "POST", "serviceaccounts/token")) == 3


async def test_pod_that_is_being_given_its_tokens_is_given_none_by_another(burst: Burst) -> None:
    burst.add("a", "b", "c")
    a, b, c = burst.pods.values()
    await asyncio.gather(
        burst.tokens.issue(key_of(a), a, lambda: [b]),
        burst.tokens.issue(key_of(c), c, lambda: [a, b]),
    )
    held = [each.keys() for each in burst.secrets().values()]
    assert sorted(held, key=len) == [burst.uids("c"), burst.uids("a", "b")]


async def test_other_that_gets_no_token_is_left_out_and_has_its_own_error(burst: Burst) -> None:
    burst.add("a", "b")
    burst.refuse("b", 404)
    await burst.issue("a")
    (held,) = burst.secrets().values()
    assert held.keys() == burst.uids("a")


@pytest.mark.parametrize("resource", ["serviceaccounts/token", "secrets"])
async def test_who_waited_on_one_that_failed_tries_for_itself(burst: Burst, resource: str) -> None:
    burst.add("a", "b")
    api = burst.sides.host_api if resource == "secrets" else burst.sides.virt_api
    api.faults.add(Fault("POST", resource, status=500))
    first, second = await asyncio.gather(burst.issue("a"), burst.issue("b"), return_exceptions=True)
    assert isinstance(first, ServerError)
    assert isinstance(second, str)
    assert burst.uids("b") <= burst.secrets()[second].keys()


async def test_secret_stays_until_its_last_pod_has_ended(burst: Burst) -> None:
    burst.add("a", "b", "c")
    for name in "abc":
        await burst.make(name)
    for name in "ab":
        await burst.end(name)
        assert len(burst.secrets()) == 1
    await burst.end("c")
    assert burst.secrets() == {}


async def test_pods_that_end_at_once_delete_their_secret_once(burst: Burst) -> None:
    burst.add("a", "b", "c")
    for name in "abc":
        await burst.make(name)
    for name in "abc":
        burst.sides.virt_api.objects.remove(Place("pods", "default", name))
        burst.sides.host_api.objects.remove(burst.sides.host_place("pods", name))
    burst.sides.sync()
    keys = [Key("pods", "default", name) for name in "abc"]
    await asyncio.gather(*(burst.tokens.forget(key) for key in keys))
    assert burst.secrets() == {}
    assert len(burst.sides.asked("host", "DELETE", "secrets")) == 1


async def test_pod_that_is_still_to_be_made_keeps_the_secret(burst: Burst) -> None:
    burst.add("a", "b")
    name = await burst.make("a")
    await burst.end("a")
    assert await burst.make("b") == name


async def test_next_pod_of_a_name_leaves_the_others_theirs(burst: Burst) -> None:
    """A StatefulSet's pod comes again under its name."""
    burst.add("a", "b")
    shared = await burst.make("a")
    await burst.make("b")
    await burst.end("a")
    burst.pods["a"] = burst.sides.add_virt("pods", token_pod("a", metadata={"uid": "again"}))
    assert await burst.make("a") != shared
    assert len(burst.secrets()) == 2
    await burst.end("b")
    (held,) = burst.secrets().values()
    assert held.keys() == {uid_of(burst.pods["a"])}


async def test_all_in_a_secret_are_renewed_by_one_write(burst: Burst) -> None:
    burst.add("a", "b", "c")
    for name in "abc":
        await burst.make(name)
    (before,) = burst.secrets().values()
    burst.clock.advance(HOUR)
    burst.lives(HOUR)
    assert {await burst.renew(name) for name in "abc"} == {0.8 * HOUR}
    (after,) = burst.secrets().values()
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert len(burst.sides.asked("host", "PATCH", "secrets")) == 1
    assert burst.tokens.renewed == 3


async def test_renewal_leaves_out_who_has_ended(burst: Burst) -> None:
    burst.add("a", "b")
    for name in "ab":
        await burst.make(name)
    await burst.end("a")
    burst.clock.advance(HOUR)
    burst.lives(HOUR)
    await burst.renew("b")
    (held,) = burst.secrets().values()
    assert held.keys() == burst.uids("b")
    (secret,) = burst.sides.host_api.objects.of("secrets", "team-x")
    assert holders(secret) == {"b": uid_of(burst.pods["b"])}


async def test_renewal_keeps_what_a_pod_has_that_still_ends_on_the_host(burst: Burst) -> None:
    """Its kubelet looks for the file until its containers have ended."""
    burst.add("a", "b")
    for name in "ab":
        await burst.make(name)
    (before,) = burst.secrets().values()
    burst.sides.virt_api.objects.remove(Place("pods", "default", "a"))
    burst.clock.advance(HOUR)
    burst.lives(HOUR)
    await burst.renew("b")
    (after,) = burst.secrets().values()
    a, b = (uid_of(burst.pods[name]) for name in "ab")
    assert after[a] == before[a]
    assert after[b] != before[b]
    (secret,) = burst.sides.host_api.objects.of("secrets", "team-x")
    assert holders(secret) == {"a": a, "b": b}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_renewal_asks_nothing_for_a_pod_that_has_run_to_its_end(
    burst: Burst, phase: str
) -> None:
    burst.add("a", "b")
    for name in "ab":
        await burst.make(name)
    burst.sides.virt_api.objects.patch(
        Place("pods", "default", "a"), {"status": {"phase": phase}}, "status"
    )
    before = len(burst.sides.asked("virt", "POST", "serviceaccounts/token"))
    burst.clock.advance(HOUR)
    burst.lives(HOUR)
    await burst.renew("b")
    asked = burst.sides.asked("virt", "POST", "serviceaccounts/token")[before:]
    assert [each.body["spec"]["boundObjectRef"]["name"] for each in asked] == ["b"]


async def test_renewal_that_fails_for_one_is_tried_again_for_all(burst: Burst) -> None:
    burst.add("a", "b")
    for name in "ab":
        await burst.make(name)
    burst.clock.advance(HOUR)
    burst.lives(HOUR)
    burst.refuse("b", 500)
    with pytest.raises(ServerError):
        await burst.renew("a")
    assert burst.tokens.renewed == 0
    await burst.renew("a")
    assert burst.tokens.renewed == 2


async def test_secret_that_somebody_deleted_comes_back_with_what_each_pod_looks_for(
    burst: Burst,
) -> None:
    """Threats R13."""
    burst.add("a", "b")
    name = await burst.make("a")
    await burst.make("b")
    burst.sides.host_api.objects.remove(Place("secrets", "team-x", name))
    for each in "ab":
        await burst.renew(each)
    assert burst.secrets()[name].keys() == burst.uids("a", "b")


async def test_pod_of_an_earlier_version_keeps_its_secret_and_its_keys(burst: Burst) -> None:
    """Its host pod cannot be changed: until it ends, it looks where it did then."""
    burst.add("a")
    host = to_host(burst.pods["a"], [], DNS_IP, SCOPE)
    source = host["spec"]["volumes"][0]["projected"]["sources"][0]["secret"]
    source |= {"name": "a-of-then", "items": [{"key": "api.0", "path": "token"}]}
    burst.sides.add_host("pods", host)
    marks = IDENT.marks(Key("tokens", "default", "a"), uid_of(burst.pods["a"]))
    meta = {
        "name": "a-of-then",
        "labels": IDENT.labels("default", None),
        "annotations": {**marks, "virtualcluster.dev/token-renew-at": "1"},
    }
    then: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"api.0": "eA=="}}
    burst.sides.add_host("secrets", then)
    await burst.renew("a")
    (secret,) = burst.sides.host_api.objects.of("secrets", "team-x")
    assert secret["metadata"]["name"] == "a-of-then"
    assert secret["data"].keys() == {"api.0"}
    assert secret["data"] != then["data"]
    await burst.end("a")
    assert burst.secrets() == {}


async def test_restart_between_a_secret_and_its_pods_makes_no_second_one(burst: Burst) -> None:
    burst.add("a", "b")
    first = await burst.issue("a")
    burst.sides.sync()
    burst.tokens = Tokens(burst.sides.world, burst.sides.virt, burst.sides.host, burst.clock)
    assert {await burst.issue(name) for name in "ab"} == {first}


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ('{"a":"1","b":"2"}', {"a": "1", "b": "2"}),
        ("", {"web": "u"}),  # of an earlier version
        ("garbage", {"web": "u"}),
        ('["a"]', {"web": "u"}),
        ('{"a":1}', {"web": "u"}),
        ("{}", {}),
    ],
)
def test_pods_of_a_secret_by_its_annotations(note: str, expected: dict[str, str]) -> None:
    marks = IDENT.marks(Key("tokens", "default", "web"), "u")
    secret: Obj = {"metadata": {"name": "s", "annotations": {**marks, HELD: note}}}
    assert virtual_key(secret) is not None
    assert holders(secret) == expected


def test_secret_of_the_tenants_own_is_nobodys() -> None:
    marks = IDENT.marks(Key("secrets", "default", "web"), "u")
    assert holders({"metadata": {"name": "s", "annotations": {**marks, HELD: '{"a":"1"}'}}}) == {}
