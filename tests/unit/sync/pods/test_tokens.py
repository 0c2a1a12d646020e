"""Tokens of the virtual API in pods: as the pod wishes, renewed in time, never mixed up."""

from __future__ import annotations

import base64
import copy
from functools import partial

import pytest

from syncer import identity
from syncer.errors import NotFound, ServerError
from syncer.kube.objects import Key, Obj, uid_of
from syncer.state.token_index import slim
from syncer.sync.pods.tokens import RENEW_AT, Issued, Tokens
from syncer.translate.pods import to_host, token_secret_name
from tests.unit.build import DNS_IP, IDENT, SCOPE, Clock, pod, secret, token_pod, twin
from tests.unit.fake_faults import Fault
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
WEB = Key("pods", "default", "web")
NAME = token_secret_name(IDENT, pod())
KEY = "virt-default-web.api."
HOUR = 3600


_pod = partial(token_pod, "web")


class Bench:
    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.clock = Clock(1_000_000)
        self.tokens = Tokens(sides.world, sides.virt, sides.host, self.clock)
        self.lives(HOUR)

    def lives(self, seconds: float) -> None:
        """Let the tokens that the API gives from now on live for so long."""
        self.sides.virt_api.token_seconds = int(self.clock.now + seconds)
        self.sides.virt_api.token_life = int(seconds)

    async def ensure(self, virt: Obj) -> float | None:
        """Let the pod be made, or made again."""
        self.sides.sync()
        issued = await self.tokens.issue(WEB, virt)
        return None if issued is None else issued.renew_in

    async def renew(self, virt: Obj) -> float | None:
        """Let a pod be looked at that was made before."""
        self.sides.sync()
        return await self.tokens.renew(virt, to_host(virt, [], DNS_IP, SCOPE))

    def counts(self) -> tuple[int, int]:
        return self.tokens.issued, self.tokens.renewed

    def secret(self, name: str = NAME) -> Obj | None:
        return self.sides.host_api.objects.find("secrets", "team-x", name)

    def data(self, name: str = NAME) -> dict[str, str]:
        secret = self.secret(name)
        assert secret is not None
        return {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}

    def asked(self) -> list[Obj]:
        return [each.body for each in self.sides.asked("virt", "POST", "serviceaccounts/token")]


@pytest.fixture
def bench(sides: Sides) -> Bench:
    return Bench(sides)


async def test_token_is_bound_to_the_pod_and_asked_for_as_it_wishes(bench: Bench) -> None:
    virt = bench.sides.add_virt(
        "pods",
        _pod({"audience": "vault", "expirationSeconds": 600}, {}, serviceAccountName="robot"),
    )
    await bench.ensure(virt)
    specs = [asked["spec"] for asked in bench.asked()]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": virt["metadata"]["uid"]}
    assert specs == [
        {"audiences": ["vault"], "expirationSeconds": 600, "boundObjectRef": bound},
        {"audiences": [], "expirationSeconds": 3600, "boundObjectRef": bound},
    ]
    assert {asked["metadata"]["name"] for asked in bench.asked()} == {"robot"}
    uid = uid_of(virt)
    expected = {f"{uid}.api.0": "token-1", f"{uid}.api.1": "token-2"}
    assert bench.data(token_secret_name(IDENT, virt)) == expected


async def test_token_whose_life_the_api_would_stretch_to_a_year_is_asked_for_an_hour(
    bench: Bench,
) -> None:
    """Threats B4: 3607 is what admission writes into every pod."""
    virt = bench.sides.add_virt("pods", _pod({"expirationSeconds": 3607}))
    await bench.ensure(virt)
    assert [asked["spec"]["expirationSeconds"] for asked in bench.asked()] == [3600]


async def test_secret_is_plain_ours_and_of_no_virtual_secret(bench: Bench) -> None:
    """Threats B3: no type that a host controller would fill in."""
    await bench.ensure(_pod())
    secret = bench.secret()
    assert secret is not None
    assert secret["type"] == "Opaque"
    assert secret["metadata"]["ownerReferences"] == [IDENT.owner()]
    assert bench.sides.world.ident.is_ours(secret)
    assert secret["metadata"]["annotations"][identity.KIND] == "tokens"


async def test_pod_without_such_volumes_has_no_secret(bench: Bench) -> None:
    assert await bench.ensure(pod()) is None
    assert bench.sides.writes() == []


@pytest.mark.parametrize(
    ("lifetime", "renew_in"),
    [(HOUR, 0.8 * HOUR), (600, 480), (30 * 24 * HOUR, 24 * HOUR)],
)
async def test_token_is_renewed_at_80_percent_of_its_life_or_after_a_day(
    bench: Bench, lifetime: float, renew_in: float
) -> None:
    bench.lives(lifetime)
    virt = _pod()
    assert await bench.ensure(virt) == renew_in
    bench.clock.advance(renew_in - 1)
    assert await bench.renew(virt) == 1
    assert bench.data() == {KEY + "0": "token-1"}
    bench.clock.advance(1)
    bench.lives(lifetime)
    assert await bench.renew(virt) == renew_in
    assert bench.data() == {KEY + "0": "token-2"}
    assert len(bench.sides.host_api.objects.of("secrets")) == 1


async def test_earliest_end_of_several_tokens_counts(bench: Bench) -> None:
    ends = iter((HOUR, 600))

    def shorten(_asked: object) -> None:
        bench.lives(next(ends, HOUR))

    bench.lives(24 * HOUR)
    bench.sides.virt_api.between.append(shorten)
    assert await bench.ensure(_pod({}, {}, {})) == 0.8 * 600


async def test_secret_of_an_earlier_pod_of_the_name_goes(bench: Bench) -> None:
    """Threats B4: no pod gets a token that was bound to another."""
    old, new = (_pod(metadata={"uid": uid}) for uid in ("old", "new"))
    await bench.ensure(old)
    await bench.ensure(new)
    assert bench.secret(token_secret_name(IDENT, old)) is None
    name = token_secret_name(IDENT, new)
    assert bench.data(name) == {"new.api.0": "token-2"}
    found = bench.secret(name)
    assert found is not None
    assert found["metadata"]["annotations"][identity.UID] == "new"


async def test_secret_that_the_hosts_people_emptied_is_filled_again(bench: Bench) -> None:
    """Threats R13."""
    await bench.ensure(_pod())
    place = bench.sides.host_place("secrets", "x")._replace(name=NAME)
    bench.sides.host_api.objects.patch(place, {"data": None})
    await bench.renew(_pod())
    assert set(bench.data()) == {KEY + "0"}


@pytest.mark.parametrize("note", ["", "garbage", "nan", "inf"])
async def test_note_of_the_renewal_that_cannot_be_read_means_now(bench: Bench, note: str) -> None:
    await bench.ensure(_pod())
    place = bench.sides.host_place("secrets", "x")._replace(name=NAME)
    bench.sides.host_api.objects.patch(place, {"metadata": {"annotations": {RENEW_AT: note}}})
    assert await bench.renew(_pod()) == 0.8 * HOUR
    assert bench.data() == {KEY + "0": "token-2"}


@pytest.mark.parametrize("wrong", [-365 * 24 * HOUR, -HOUR, 600, 365 * 24 * HOUR])
async def test_clock_that_is_wrong_asks_for_one_token_and_renews_it_in_time(
    bench: Bench, wrong: float
) -> None:
    """Threats R15: ahead, every token seems to have ended; behind, none ever would."""
    bench.lives(HOUR)
    bench.clock.advance(wrong)  # that of the API stays
    for _ in range(3):
        assert await bench.ensure(_pod()) == 0.8 * HOUR
    assert bench.counts() == (1, 0)


async def test_clock_that_was_ahead_and_is_right_again_does_not_let_a_token_end(
    bench: Bench,
) -> None:
    """Threats R15."""
    bench.clock.advance(365 * 24 * HOUR)
    await bench.ensure(_pod())
    bench.clock.advance(-365 * 24 * HOUR)
    assert await bench.renew(_pod()) == 0.8 * HOUR
    assert bench.counts() == (2, 1)


async def test_restart_asks_for_no_new_token(bench: Bench) -> None:
    await bench.ensure(_pod())
    again = Tokens(bench.sides.world, bench.sides.virt, bench.sides.host, bench.clock)
    bench.sides.sync()
    assert await again.issue(WEB, _pod()) == Issued(NAME, 0.8 * HOUR)
    assert len(bench.asked()) == 1


async def test_forgotten_pods_secret_is_deleted_once(bench: Bench) -> None:
    await bench.ensure(_pod())
    await bench.tokens.forget(WEB)
    assert bench.secret() is None
    await bench.tokens.forget(WEB)
    assert len(bench.sides.asked("host", "DELETE", "secrets")) == 1


async def test_secret_that_somebody_else_deleted_first_is_no_error(bench: Bench) -> None:
    await bench.ensure(_pod())
    bench.sides.sync()
    bench.sides.host_api.objects.remove(bench.sides.host_place("secrets", "x")._replace(name=NAME))
    await bench.tokens.forget(WEB)
    await bench.ensure(_pod())
    assert bench.secret() is not None


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (500, ServerError)])
async def test_error_of_the_virtual_api_passes_through_and_makes_no_secret(
    bench: Bench, status: int, kind: type[Exception]
) -> None:
    bench.sides.virt_api.faults.add(Fault("POST", "serviceaccounts/token", status=status))
    with pytest.raises(kind):
        await bench.ensure(_pod())
    assert bench.secret() is None


@pytest.mark.parametrize(
    ("host_secret", "kept"),
    [
        (twin(secret("web"), "tokens", data={"api.0": "eyJ"}), {"api.0": ""}),
        (twin(secret("web"), "tokens"), None),
        (twin(secret("web"), "secrets", data={"password": "eA=="}), {"password": "eA=="}),
        ({"metadata": {"name": "other"}, "data": {"a": "eA=="}}, {"a": "eA=="}),
    ],
)
def test_only_tokens_are_kept_without_what_they_say(host_secret: Obj, kept: Obj | None) -> None:
    before = copy.deepcopy(host_secret)
    assert slim(host_secret).get("data") == kept
    assert host_secret == before


async def test_issued_and_renewed_tokens_are_counted(bench: Bench) -> None:
    virt = _pod({}, {"audience": "vault", "path": "other"})
    assert bench.counts() == (0, 0)
    await bench.ensure(virt)
    assert bench.counts() == (2, 0)
    await bench.ensure(virt)
    assert bench.counts() == (2, 0)
    bench.clock.advance(HOUR)
    bench.lives(HOUR)
    await bench.renew(virt)
    assert bench.counts() == (4, 1)
