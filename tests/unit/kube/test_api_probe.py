"""Whether the virtual API server answers."""

from __future__ import annotations

import asyncio

import pytest

from syncer.errors import Forbidden, OtherCluster, ServerError, Unreachable
from syncer.kube.api_probe import Pulse
from tests.unit.build import Clock
from tests.unit.fake_api import until

pytestmark = pytest.mark.timeout(15)


class Server:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = 0

    async def ask(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (None, False),
        (Unreachable("refused"), True),
        (ServerError(503, "ServiceUnavailable", "no etcd"), True),
        (Forbidden(403, "Forbidden", "not yet"), True),
        (OtherCluster("it answers all the same"), False),
    ],
)
async def test_what_counts_as_an_answer(error: Exception | None, *, away: bool) -> None:
    clock, server = Clock(), Server()
    pulse = Pulse(server.ask, clock)
    server.error = error
    await pulse.beat()
    clock.now += 7
    assert pulse.away() == (7 if away else 0)
    assert bool(pulse.trouble()) is away
    if away:
        assert pulse.trouble() == f"the virtual API server has not answered for 7 s: {error}"
    server.error = None
    await pulse.beat()
    assert pulse.trouble() == ""
    assert pulse.away() == 0


async def test_time_counts_from_the_first_question_without_an_answer() -> None:
    clock, server = Clock(), Server()
    pulse = Pulse(server.ask, clock)
    server.error = Unreachable("refused")
    for _ in range(4):
        await pulse.beat()
        clock.now += 5
    assert pulse.away() == 20


async def test_server_that_takes_the_question_and_never_answers_is_away() -> None:
    """Threats R6: a connection that stays open proves nothing."""
    server = Server()
    pulse = Pulse(server.ask, Clock())
    server.answers.clear()
    task = asyncio.create_task(pulse.run())
    await until(pulse.trouble, seconds=10)
    assert "no answer within 5 s" in pulse.trouble()
    server.answers.set()
    await until(lambda: not pulse.trouble())
    assert server.asked > 1
    task.cancel()
