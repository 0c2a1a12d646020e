"""The host is asked seldom, whatever the tenant does, and its refusals are told in our words."""

import asyncio

import pytest

from syncer.metricsapi.host_metrics import FRESH, HostMetrics, Unavailable
from tests.unit.build import IDENT, Clock
from tests.unit.fake_metrics import ROOT, FakeMetrics, figures

pytestmark = pytest.mark.timeout(10)


async def test_one_request_serves_all_who_ask_within_a_few_seconds() -> None:
    clock = Clock()
    async with FakeMetrics([figures("a")]) as fake, fake.client() as host:
        source = HostMetrics(host, IDENT, clock)
        answers = await asyncio.gather(*(source.pods() for _ in range(20)))
        assert all(answer == fake.pods for answer in answers)
        clock.advance(FRESH - 0.1)
        await source.pods()
        path = f"{ROOT}/namespaces/team-x/pods?labelSelector=virtualcluster.dev/managed-by%3Dvc"
        assert fake.requests == [path]
        clock.advance(0.2)
        await source.pods()
        assert fake.requests == [path, path]


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
async def test_refusal_is_kept_as_long_and_names_nothing_of_the_hosts(status: int) -> None:
    clock = Clock()
    async with FakeMetrics(status=status) as fake, fake.client() as host:
        source = HostMetrics(host, IDENT, clock)
        for _ in range(3):
            with pytest.raises(Unavailable) as refused:
                await source.pods()
            assert "team-x" not in str(refused.value)
        assert ("operator" in str(refused.value)) is (status == 403)
        assert len(fake.requests) == 1
        fake.status = 200
        clock.advance(FRESH)
        assert await source.pods() == []


async def test_host_that_is_away_is_unavailable() -> None:
    async with FakeMetrics() as fake, fake.client() as host:
        await fake.__aexit__()
        source = HostMetrics(host, IDENT, Clock())
        with pytest.raises(Unavailable, match="does not answer"):
            await source.nodes()
        assert await source.served() is None


@pytest.mark.parametrize(
    ("status", "served"), [(200, True), (404, False), (503, None), (500, None), (403, None)]
)
async def test_only_not_found_says_that_the_host_has_no_such_api(
    status: int,
    served: bool | None,  # noqa: FBT001
) -> None:
    async with FakeMetrics(status=status) as fake, fake.client() as host:
        assert await HostMetrics(host, IDENT, Clock()).served() is served
        assert fake.requests == [ROOT]
