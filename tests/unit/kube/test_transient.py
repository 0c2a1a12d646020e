"""What another try may mend is asked again; what it cannot mend is raised at once."""

import pytest

from syncer import errors
from syncer.errors import ApiError, Refused
from syncer.kube.resources import CONFIGMAPS
from syncer.kube.transient import TRANSIENT, until_answered
from tests.unit.fake_faults import STATUSES, Fault
from tests.unit.sides import Sides

AGAIN = [0, 409, 429, 500, 503, 504]
"""Threats R5: to end would only bring pauses that grow to five minutes."""
AT_ONCE = [status for status, _, _ in STATUSES if status not in AGAIN]


@pytest.mark.parametrize("status", AGAIN)
async def test_answer_that_may_be_another_one_is_asked_for_again(sides: Sides, status: int) -> None:
    sides.host_api.faults.add(Fault("LIST", "configmaps", status=status, times=2))
    found, _ = await until_answered("it", lambda: sides.host.list(CONFIGMAPS, "team-x"))
    assert found == []
    assert len(sides.host_api.requests) == 3


@pytest.mark.parametrize("status", AT_ONCE)
async def test_answer_that_will_not_change_is_raised(sides: Sides, status: int) -> None:
    sides.host_api.faults.add(Fault("LIST", "configmaps", status=status))
    with pytest.raises(ApiError) as caught:
        await until_answered("it", lambda: sides.host.list(CONFIGMAPS, "team-x"))
    assert caught.value.status == status
    assert len(sides.host_api.requests) == 1


@pytest.mark.parametrize(
    ("error", "again"),
    [(errors.NotLeading, True), (errors.OtherCluster, True), (errors.LostLease, False)],
)
def test_which_of_our_own_errors_pass(error: type[Exception], *, again: bool) -> None:
    assert issubclass(error, TRANSIENT) is again
    assert not issubclass(Refused, TRANSIENT)
