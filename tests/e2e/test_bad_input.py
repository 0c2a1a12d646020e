"""What cannot work is refused with its reason, and leaves nothing half-done behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.conftest import Tenant
from tests.e2e.release import CHART, Release
from tests.e2e.session import BASELINE, Session
from tests.e2e.sweep import Found, Sweep, differences
from tests.e2e.waiting import Pending, until

HELM_RECORD = "sh.helm.release.v1."


class Case(NamedTuple):
    """Values, and what the refusal must say."""

    values: Obj
    says: tuple[str, ...]


def _args(*extra: str) -> Obj:
    return {"virtualCluster": {"extraArgs": list(extra)}}


# Found by the chart alone: the host is not touched.
CASES = {
    "unknown-value": Case({"virtualCluster": {"imge": "x"}}, ("imge", "not allowed")),
    "unknown-top-level-value": Case({"storag": {"size": "5Gi"}}, ("storag", "not allowed")),
    "wrong-type": Case({"storage": {"size": 5}}, ("storage", "string")),
    "malformed-range": Case(
        _args("--service-cidr=10.96.0.0/33"), ("--service-cidr", "10.96.0.0/33")
    ),
    "range-of-words": Case(_args("--service-cidr=big"), ("--service-cidr", "big")),
    "not-k3s": Case({"virtualCluster": {"image": "busybox:1.36"}}, ("busybox:1.36", "k3s")),
    "another-port": Case(_args("--https-listen-port=6443"), ("--https-listen-port", "8443")),
    "unknown-standard": Case(
        {"isolation": {"podSecurityStandard": "strict"}}, ("podSecurityStandard",)
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _others_rest(request: pytest.FixtureRequest) -> None:
    """Let the shared installation rest meanwhile, if test_rest.py will ask for it."""
    if any(item.path.stem == "test_rest" for item in request.session.items):
        request.getfixturevalue("resting")


@pytest.fixture(scope="module")
def namespace(session: Session) -> str:
    return session.namespace("bad", BASELINE)


@pytest.fixture
def release(session: Session, namespace: str) -> Iterator[Release]:
    """A release that nothing is left of afterwards, whatever the test did."""
    made = Release(session.host, "virtualcluster", namespace, session.scratch)
    sweep = Sweep(session.host.api, namespace)
    before = sweep.everything()
    yield made
    made.helm()("delete", made.name, "-n", namespace, "--ignore-not-found")

    def clean() -> bool:
        left = sweep.everything() - before
        if left:
            raise Pending(", ".join(map(str, left)))
        return True

    until("nothing is left", clean, 60)


def _left(release: Release, before: set[Found]) -> list[str]:
    """Return what an attempt left, but for Helm's own record of it."""
    after = Sweep(release.host.api, release.namespace).everything()
    return [str(each) for each in after - before if not each.name.startswith(HELM_RECORD)]


@pytest.mark.parametrize("name", CASES)
def test_bad_values_are_refused_before_anything_is_made(release: Release, name: str) -> None:
    before = Sweep(release.host.api, release.namespace).everything()
    refused = release.install(CASES[name].values, check=False)
    assert refused.code != 0
    for word in CASES[name].says:
        assert word in refused.err, refused.err
    assert Sweep(release.host.api, release.namespace).everything() == before


def _checks(release: Release, values: Obj | None) -> bool:
    """Tell whether the chart asks the host before it makes anything.

    It does not where Helm would wait for the answer in vain: hosts before 1.27.
    """
    return b"helm.sh/hook: pre-install" in release.template(values, hooks=True)


def test_a_range_that_does_not_contain_the_hosts_is_refused_with_the_right_one(
    release: Release,
) -> None:
    values = _args("--service-cidr=10.43.0.0/16")
    reason = "--service-cidr=10.43.0.0/16 does not contain the host's Service range"
    if not _checks(release, values):
        release.start(values)
        said = until("the pod says why it does not start", lambda: _told(release, reason), 90)
        assert "leave it out" in said, "the cure is named"
        return
    before = Sweep(release.host.api, release.namespace).everything()
    refused = release.install(values, check=False)
    said = refused.out + refused.err
    assert refused.code != 0
    assert reason in said, said
    assert "leave it out" in said, "the cure is named"
    until("only Helm's record is left", lambda: not _left(release, before), 30)


def _told(release: Release, reason: str) -> str:
    """Return what the pod says before k3s starts, if that is the reason."""
    command = ("logs", release.pod, "-n", release.namespace, "-c", "discover")
    done = release.host.kubectl(*command, check=False)
    if reason not in done.out:
        raise Pending(done.out or done.err)
    return done.out


@pytest.mark.usefixtures("no_default_class")
def test_a_host_without_a_default_storage_class_is_told_at_once(release: Release) -> None:
    if not _checks(release, None):
        release.start()
        until("an event of the claim says so", lambda: _unbound(release), 30)
        return
    before = Sweep(release.host.api, release.namespace).everything()
    refused = release.install(check=False)
    said = refused.out + refused.err
    assert refused.code != 0
    assert "no default StorageClass" in said, said
    assert "storage.className" in said, "the cure is named"
    until("only Helm's record is left", lambda: not _left(release, before), 30)


def _unbound(release: Release) -> bool:
    """Tell whether Kubernetes itself says why the claim waits."""
    events = release.host.api.all("Event", release.namespace)
    said = [each["message"] for each in events if each["reason"] == "FailedBinding"]
    if not any("no storage class is set" in each for each in said):
        raise Pending(str(said))
    return True


def test_an_image_without_k3s_says_so_on_its_pod(release: Release) -> None:
    """Its tag claims to be k3s, so only the node finds out."""
    image = f"--set=virtualCluster.image={manifests.BUSYBOX},virtualCluster.version=1.34.4"
    release.helm()("install", release.name, str(CHART), "-n", release.namespace, image)

    def told() -> bool:
        pod = release.host.api.find("Pod", release.pod, release.namespace)
        statuses = (pod or {"status": {}})["status"].get("containerStatuses") or ()
        text = str([each for each in statuses if each["name"] == "virtual-cluster"])
        if "/bin/k3s" not in text or "no such file" not in text:
            raise Pending(text)
        return True

    until("the pod says that there is no /bin/k3s", told, 90)


def test_a_user_without_enough_rights_is_told_which(session: Session, release: Release) -> None:
    user = session.user(release.namespace, "editor", "edit", release.namespace)
    before = Sweep(release.host.api, release.namespace).everything()
    refused = release.install(kubeconfig=user.kubeconfig, check=False)
    said = refused.out + refused.err
    assert refused.code != 0
    assert "forbidden" in said, said
    assert "roles" in said, "the resource is named"
    until("only Helm's record is left", lambda: not _left(release, before), 30)
    release.host.api.delete("ServiceAccount", "editor", release.namespace)
    release.host.api.delete("RoleBinding", "editor", release.namespace)


def test_a_second_release_of_the_same_name_changes_nothing_of_the_first(tenant: Tenant) -> None:
    first = tenant.release
    sweep = Sweep(first.host.api, first.namespace)
    before = sweep.content()
    refused = first.install(kubeconfig=tenant.installer.kubeconfig, check=False)
    assert refused.code != 0
    assert "still in use" in refused.err
    assert not differences(before, sweep.content())
