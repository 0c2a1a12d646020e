"""What becomes of every error: when its key comes again, and what the tenant reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from syncer import errors
from syncer.errors import ApiError, NotYet, Refused, Unreachable
from syncer.kube.objects import Key
from syncer.kube.recorder import AGAIN, NOT_WRITTEN_AGAIN
from syncer.kube.workqueue import LONGEST_PAUSE
from syncer.sync.controller import Controller
from syncer.sync.remark import Remark
from syncer.sync.retry_policy import (
    ENDING_PAUSE,
    OUTAGE_PAUSE,
    REFUSED_AGAIN,
    RESULTS,
    SAFETY_NET,
)
from tests.unit.build import pod, service
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.fake_faults import Fault
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(15)
WEB = Key("pods", "default", "web")
REMARKED = "done with a remark"


@pytest.fixture
def engine(sides: Sides) -> Engine:
    made = Engine(sides)
    made.furnish()
    return made


def _error(
    kind: type[ApiError], status: int, side: str = "host", message: str = "text"
) -> ApiError:
    error = kind(status, "Reason", message, retry_after=7.0 if status == 429 else 0.0)
    error.side = side
    return error


def _fails(error: BaseException) -> Callable[[Key], Awaitable[None]]:
    async def reconcile(_key: Key) -> None:
        raise error

    return reconcile


def _remarks(reason: str) -> Callable[[Key], Awaitable[Remark]]:
    async def reconcile(_key: Key) -> Remark:
        return Remark(pod(), reason, "text")

    return reconcile


async def _works(_key: Key) -> None:
    return


def _pause(controller: Controller, key: Key = WEB) -> float:
    """Return in how many seconds the key comes again."""
    return controller.queue._due[key] - asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("error", "least", "most", "reason"),
    [
        (NotYet("x"), SAFETY_NET, SAFETY_NET, None),
        (Refused("PodSecurity", "no"), REFUSED_AGAIN, REFUSED_AGAIN, "PodSecurity"),
        (_error(errors.Conflict, 409), 0.01, 0.1, None),
        (_error(errors.AlreadyExists, 409), 0.01, 0.1, None),
        (_error(errors.NotFound, 404), 0.01, 0.1, None),
        (_error(errors.TooManyRequests, 429), 7, 7, None),
        (_error(errors.BadRequest, 422), 1, 1, "HostRefused"),
        (_error(errors.Forbidden, 403), 1, 1, "HostForbids"),
        (
            _error(errors.Forbidden, 403, message='User "x" cannot patch resource "pods" in'),
            1,
            1,
            "MissingRight",
        ),
        (_error(errors.BadRequest, 422, "virt"), 1, 1, None),
        (_error(errors.Terminating, 403, "virt"), ENDING_PAUSE, ENDING_PAUSE, None),
        (_error(errors.Terminating, 403), ENDING_PAUSE, ENDING_PAUSE, None),
        (_error(errors.Forbidden, 403, "virt"), 1, 1, None),
        (_error(errors.AdmissionDenied, 429, "virt"), 7, 7, "AdmissionInside"),
        (_error(errors.AdmissionDenied, 404), 1, 1, "HostForbids"),
        (
            _error(errors.ServerError, 500, "virt", message='failed calling webhook "x": EOF'),
            0.1,
            0.3,
            "AdmissionInside",
        ),
        (_error(errors.Unauthorized, 401), 1, 1, None),
        (_error(errors.ServerError, 500), 0.1, 0.3, None),
        (Unreachable("away"), 0.1, 0.3, None),
        (ValueError("a bug"), 5, 5, None),
        (KeyError("a bug"), 5, 5, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_error_decides_when_the_key_comes_again_and_what_the_tenant_reads(
    engine: Engine, error: Exception, least: float, most: float, reason: str | None
) -> None:
    engine.sides.add_virt("pods", pod())
    begun = asyncio.get_running_loop().time()
    await engine.controller.attempts.attempt(WEB, _fails(error))
    # However slow this machine is: it comes no sooner than after the least, from the beginning,
    # and no later than after the most, from now.
    assert engine.controller.queue._due[WEB] - begun >= least
    assert _pause(engine.controller) <= most
    told = [event["reason"] for event in engine.virt_api.objects.of("events")]
    assert told == ([] if reason is None else [reason])


async def test_credentials_that_k3s_no_longer_takes_end_the_syncer(engine: Engine) -> None:
    with pytest.raises(errors.Unauthorized):
        await engine.controller.attempts.attempt(
            WEB, _fails(_error(errors.Unauthorized, 401, "virt"))
        )


@pytest.mark.parametrize(
    ("error", "longest"),
    [
        (Unreachable("away"), OUTAGE_PAUSE),
        (_error(errors.ServerError, 503), OUTAGE_PAUSE),
        (_error(errors.BadRequest, 422, "virt"), LONGEST_PAUSE),
        (_error(errors.Conflict, 409), LONGEST_PAUSE),
        (ValueError("a bug"), LONGEST_PAUSE),
    ],
)
async def test_pause_grows_to_its_bound_and_success_forgets_it(
    engine: Engine, error: Exception, longest: float
) -> None:
    controller = engine.controller
    for _ in range(20):
        controller.queue._due.clear()
        await controller.attempts.attempt(WEB, _fails(error))
    assert abs(_pause(controller) - longest) < 0.2
    await controller.attempts.attempt(WEB, _works)
    controller.queue._due.clear()
    await controller.attempts.attempt(WEB, _fails(_error(errors.Conflict, 409)))
    assert _pause(controller) < 0.1


async def test_tenant_reads_nothing_of_the_hosts_names(engine: Engine) -> None:
    """Threats I2."""
    engine.sides.add_virt("pods", pod())
    message = 'pods "web-x-default-x-vc" is forbidden: exceeded quota: count, requested: pods=1'
    await engine.controller.attempts.attempt(
        WEB, _fails(_error(errors.Forbidden, 403, message=message))
    )
    right = 'User "system:serviceaccount:team-x:vc-syncer" cannot create resource "pods" in team-x'
    await engine.controller.attempts.attempt(
        WEB, _fails(_error(errors.Forbidden, 403, message=right))
    )
    texts = " ".join(event["message"] for event in engine.virt_api.objects.of("events"))
    assert "exceeded quota" in texts
    assert "create pods" in texts
    assert "team-x" not in texts
    assert "-x-" not in texts


async def test_event_that_cannot_be_written_does_not_end_a_worker(engine: Engine) -> None:
    engine.sides.add_virt("pods", pod())
    engine.virt_api.faults.add(Fault("POST", "events", times=9))
    await engine.controller.attempts.attempt(WEB, _fails(Refused("A", "text")))
    assert _pause(engine.controller) > 1


async def test_remark_is_told_and_the_object_is_done(engine: Engine) -> None:
    """It was counted as refused, and tried again for ever."""
    engine.sides.add_virt("pods", pod())
    controller, attempts = engine.controller, engine.controller.attempts
    begun = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        for _ in range(3):
            await attempts.attempt(WEB, _remarks("A"))
    assert [event["reason"] for event in engine.virt_api.objects.of("events")] == ["A"]
    assert [each["event"] for each in logs if each["log_level"] != "debug"] == [REMARKED]
    assert attempts.work["pods"].results == {"done": 3}
    assert attempts.refusals == attempts.unsynced == {}
    assert controller.queue._failures == {}
    # Told again when API servers have forgotten it, and not before.
    assert controller.queue._due[WEB] - begun >= AGAIN
    with capture_logs() as logs:
        await attempts.attempt(WEB, _works)
        await attempts.attempt(WEB, _remarks("A"))
    assert [each["event"] for each in logs if each["log_level"] != "debug"] == [REMARKED]


async def test_remark_that_could_not_be_written_is_told_soon(engine: Engine) -> None:
    engine.virt_api.faults.add(Fault("POST", "events", times=9))
    await engine.controller.attempts.attempt(WEB, _remarks("A"))
    assert 1 < _pause(engine.controller) <= NOT_WRITTEN_AGAIN


async def test_remark_of_a_service_leaves_it_done_and_tells_the_tenant(engine: Engine) -> None:
    """Threats E1, through the whole engine: no refusal is counted, and nothing is tried again."""
    attempts, objects = engine.controller.attempts, engine.virt_api.objects
    async with engine.running():
        objects.create("services", "default", service(externalIPs=["203.0.113.1"]))
        await until(lambda: objects.of("events"))
        assert [event["reason"] for event in objects.of("events")] == ["ExternalIPsNotPassed"]
        await until(lambda: not len(engine.controller.queue))
        key = Key("services", "default", "web")
        assert attempts.remarks == {key: "ExternalIPsNotPassed"}
        assert attempts.refusals == {}
        assert key not in attempts.unsynced


# --- what is said and counted


@pytest.mark.parametrize(
    ("error", "result", "reason", "said"),
    [
        (NotYet("x"), "waiting", "", None),
        (Refused("PodSecurity", "no"), "refused", "PodSecurity", "refused"),
        (_error(errors.Conflict, 409), "changed", "", None),
        (_error(errors.NotFound, 404), "changed", "", None),
        (_error(errors.TooManyRequests, 429), "throttled", "", None),
        (_error(errors.Terminating, 403, "virt"), "waiting", "", "namespace ends"),
        (_error(errors.BadRequest, 422), "rejected", "HostRefused", "not accepted"),
        (_error(errors.Forbidden, 403), "rejected", "HostForbids", "not accepted"),
        (_error(errors.Forbidden, 403, "virt"), "rejected", "", "not accepted"),
        (_error(errors.Unauthorized, 401), "rejected", "", None),
        (_error(errors.ServerError, 500), "failed", "", "failed"),
        (Unreachable("away"), "failed", "", "failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_trouble_is_said_once_and_counted_until_it_is_over(
    engine: Engine, error: Exception, result: str, reason: str, said: str | None
) -> None:
    attempts = engine.controller.attempts
    with capture_logs() as logs:
        for _ in range(3):
            await attempts.attempt(WEB, _fails(error))
    spoken = [each["event"] for each in logs if each["log_level"] != "debug"]
    assert spoken == ([] if said is None else [said])
    assert attempts.work["pods"].results == {result: 3}
    assert result in RESULTS
    assert attempts.refusals == ({("pods", reason): 3} if reason else {})
    assert attempts.unsynced[WEB][:2] == (result, reason)
    await attempts.attempt(WEB, _works)
    assert attempts.unsynced == {}
    assert attempts.work["pods"].results == {result: 3, "done": 1}
    with capture_logs() as logs:
        await attempts.attempt(WEB, _fails(error))
    assert len([each for each in logs if each["log_level"] != "debug"]) == len(spoken)


async def test_other_trouble_is_said_too_and_that_of_others(engine: Engine) -> None:
    attempts = engine.controller.attempts
    with capture_logs() as logs:
        for text in ("one", "one", "two", "two", "one"):
            await attempts.attempt(WEB, _fails(Unreachable(text)))
        await attempts.attempt(WEB._replace(name="other"), _fails(Unreachable("one")))
    told = [(each["virt_name"], each["error"]) for each in logs]
    assert told == [("web", "one"), ("web", "two"), ("web", "one"), ("other", "one")]


async def test_every_bug_has_its_trace(engine: Engine) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            await engine.controller.attempts.attempt(WEB, _fails(KeyError("a bug")))
    assert [each["event"] for each in logs] == ["bug", "bug"]
    assert engine.controller.attempts.work["pods"].results == {"bug": 2}


async def test_lag_is_of_those_that_came_in_step_and_time_of_all(engine: Engine) -> None:
    attempts = engine.controller.attempts
    for reconcile in (_works, _fails(NotYet("x")), _works):
        await attempts.attempt(WEB, reconcile)
    work = attempts.work["pods"]
    assert (sum(work.lag.counts), sum(work.took.counts)) == (2, 3)
    assert sum(attempts.work["services"].took.counts) == 0
