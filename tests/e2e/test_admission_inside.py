"""Whatever a tenant's admission answers costs the one object that met it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import answering, manifests
from tests.e2e.certificates import for_service
from tests.e2e.cluster import ApiError
from tests.e2e.pods import wait_ready
from tests.e2e.processes import restarts
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import until

CODES = ("400", "401", "403", "404", "409", "410", "413", "422", "429", "500", "503")
WAYS = (*CODES, "slow", "broken")
TAKEN_IN = 30.0  # seconds until the API server has taken in a configuration
LET_GO = 150.0  # the webhook asks for a pause of an hour, of which a minute is believed
REASON = "AdmissionInside"


@pytest.fixture(scope="module")
def met(release: Release, virt: Virtual, space: str) -> Iterator[int]:
    """Pods whose status the webhooks stop; the syncer's restarts before that."""
    before = _restarts(release)
    serving = for_service(answering.NAME, space)
    virt.api.create(*answering.server(space, serving))
    wait_ready(virt, space, answering.NAME)
    virt.api.create(answering.webhooks(space, space, WAYS, serving))
    status = "/api/v1/namespaces/{}/pods/{}/status"

    def asked() -> bool:
        """Tell whether the API server asks them already, by an update that changes nothing."""
        probe = virt.api.get("Pod", "probe", space)
        try:
            virt.api.json("PUT", status.format(space, "probe"), probe)
        except ApiError as error:
            return "denied the request" in error.message
        return False

    virt.api.create(manifests.pod("probe", space, labels={"met": "403"}))
    until("the webhooks are asked", asked, TAKEN_IN)
    virt.api.create(*(manifests.pod(f"met-{way}", space, labels={"met": way}) for way in WAYS))
    yield before
    virt.api.delete("ValidatingWebhookConfiguration", space)


def _restarts(release: Release) -> int:
    return restarts(release.host.api.get("Pod", release.pod, release.namespace), "syncer")


@pytest.mark.parametrize("way", WAYS)
def test_answer_costs_the_one_object_that_met_it(
    release: Release, virt: Virtual, space: str, met: int, way: str
) -> None:
    def warned() -> bool:
        return any(
            each["reason"] == REASON and each["involvedObject"].get("name") == f"met-{way}"
            for each in virt.api.all("Event", space)
        )

    until(f"met-{way} says what it meets", warned)
    virt.api.create(manifests.pod(f"free-{way}", space))
    wait_ready(virt, space, f"free-{way}")
    pod = virt.api.get("Pod", f"met-{way}", space)
    assert pod["status"].get("phase") == "Pending"
    assert _restarts(release) == met


def test_object_goes_on_when_admission_lets_it(virt: Virtual, space: str, met: int) -> None:
    assert met >= 0
    virt.api.delete("ValidatingWebhookConfiguration", space)
    wait_ready(virt, space, *(f"met-{way}" for way in WAYS), seconds=LET_GO)
