"""Pods that wait to be made have their tokens in Secrets together, and each its own token."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.pods import execute, secrets_of, wait_account, wait_ready
from tests.e2e.processes import container_id, first_process, paused
from tests.e2e.release import Release, Virtual
from tests.e2e.session import claims_of
from tests.e2e.waiting import Pending, until

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
PODS = [f"burst-{number}" for number in range(20)]
LOOKED_AT = PODS[::6]
FEW = 9  # Secrets at most: one for those that waited, and one each for the last, fewer than eight


def test_a_bursts_tokens_lie_in_few_secrets_and_go_with_their_last_pod(
    virt: Virtual, release: Release, space: str
) -> None:
    api, namespace = release.host.api, release.namespace
    syncer = first_process(container_id(api.get("Pod", release.pod, namespace), "syncer"))
    if syncer is None:
        pytest.skip("the syncer does not run on this machine, as a lab's does")
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    virt.api.create({**account, "metadata": manifests.meta("burst", space)})
    wait_account(virt, space, "burst")
    with paused(syncer):  # when it looks again, all of them wait
        for name in PODS:
            virt.api.create(manifests.pod(name, space, serviceAccountName="burst"))
    made = wait_ready(virt, space, *PODS)
    held = set().union(*(secrets_of(release.host_pod(pod)) for pod in made))
    assert len(held) <= FEW
    found = {}
    for pod in made:
        name = pod["metadata"]["name"]
        if name in LOOKED_AT:
            found[name] = execute(virt, space, name, "cat", TOKEN)
            bound = claims_of(found[name])["kubernetes.io"]["pod"]
            assert bound == {"name": name, "uid": pod["metadata"]["uid"]}
    assert len(set(found.values())) == len(LOOKED_AT)

    for name in PODS[1:]:
        virt.api.delete("Pod", name, space)
    last = secrets_of(release.host_pod(virt.api.get("Pod", PODS[0], space)))

    def left() -> set[str]:
        there = {name for name in held if api.find("Secret", name, namespace)}
        if there != last:
            raise Pending(f"{len(there)} Secrets")
        return there

    until("only the last pod's Secret is left", left, 60)
    assert execute(virt, space, PODS[0], "cat", TOKEN)
    virt.api.delete("Pod", PODS[0], space)

    def gone() -> bool:
        if there := {name for name in held if api.find("Secret", name, namespace)}:
            raise Pending(", ".join(there))
        return True

    until("the Secrets with the tokens are gone", gone, 60)
