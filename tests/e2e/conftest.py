"""Fixtures of the end-to-end tests. KUBECONFIG names the host; `scripts/test e2e` brings one up.

VC_E2E_KEEP=1           leave namespaces and releases behind, to look at them
VC_E2E_SYNCER_IMAGE=x   install with this syncer
VC_E2E_K3S_IMAGE=x      install with this k3s
VC_E2E_K3S=text         what k3s is, for the figures: a real one or the stand-in
VC_E2E_DATASTORE=etcd   several replicas on this datastore, not on PostgreSQL
VC_E2E_POWER=name       a lab whose node 2 may lose its power
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import dump, manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, new_namespace, wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.rest import Window
from tests.e2e.session import BASELINE, Session, User

SESSION = pytest.StashKey[Session]()
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# It takes the power from a node: on a lab of its own only, which it is told the name of.
collect_ignore = [] if "VC_E2E_POWER" in os.environ else ["test_power.py"]
LONGEST = 300  # seconds a test may take, however slow the machine

# Those that share the one big installation first; the ones that break it on purpose last. While it
# rests, others use installations of their own.
ORDER = (
    *("install", "network", "services", "api_access", "optional", "pods", "names"),
    *("configuration", "deletion", "streams"),
    *("storage", "volumes", "growth", "objects", "repair", "isolation", "refusals"),
    *("metrics", "ingress", "admission_inside", "cli", "cli_wrong", "docs"),
    # From here to `rest` the shared installation is left alone.
    *(
        "bad_input",
        "missing_right",
        "nodes",
        "classes",
        "bounds",
        "network_policies",
        "images",
        "monitoring",
        "uninstall",
        "repository",
        "backup",
        "reinstall",
        "replicas",
        "upgrade",
        "timing",
        "rest",
        "rights",
        "extension",
        "tokens",
        "faults",
    ),
)


# All that rights within the namespace can give, beyond the ClusterRole `admin`.
GENEROUS = {
    "sync": {
        "endpoints": {"enabled": True},
        "podDisruptionBudgets": {"enabled": True},
        "pods": {"ephemeralContainers": True, "resize": True},
    }
}


class Aging(NamedTuple):
    """A pod that runs long enough for its token of 10 minutes to be renewed."""

    pod: Obj
    first: str
    since: float
    """When it was made, by the monotonic clock."""


class Tenant(NamedTuple):
    """The installation that most tests share, and who installed it when."""

    release: Release
    virt: Virtual
    installer: User
    notes: str
    since: float


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem.removeprefix("test_")
        return ORDER.index(name) if name in ORDER else -1

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = item.config.stash.get(SESSION, None)
    if report.failed and session is not None:
        for release, virt in session.live():
            text = dump.state(release, virt.api if virt else None)
            report.sections.append((f"{release.namespace}/{release.name}", text))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    session = config.stash.get(SESSION, None)
    if session is None:
        return
    timings = session.timings
    timings.write()
    terminalreporter.section("figures")
    if timings.seconds:
        each = ", ".join(f"{x:.1f}" for x in timings.seconds)
        terminalreporter.line(
            f"helm install to CoreDNS ready: median {timings.median():.1f} s of {each}"
        )
    for note in timings.notes:
        terminalreporter.line(note)


@pytest.fixture(scope="session")
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    kubeconfig = os.environ.get("KUBECONFIG", "")
    if not kubeconfig:
        pytest.fail("KUBECONFIG is not set: run scripts/test e2e, which brings a cluster up")
    made = Session(Path(kubeconfig), tmp_path_factory.mktemp("e2e"))
    request.config.stash[SESSION] = made
    yield made
    made.close(keep=bool(os.environ.get("VC_E2E_KEEP")))


@pytest.fixture(scope="session")
def host(session: Session) -> Side:
    return session.host


@pytest.fixture(scope="session")
def tenant(session: Session) -> Tenant:
    """Install as a user who has no more than `admin`, into a namespace that enforces `baseline`."""
    namespace = session.namespace("main", BASELINE)
    users = session.namespace("users")
    installer = session.user(users, "installer", "admin", namespace)
    since = time.time()
    release = session.release("virtualcluster", namespace)
    begin = time.monotonic()
    notes = release.install(kubeconfig=installer.kubeconfig).out
    session.timings.seconds.append(release.wait_coredns() - begin)
    return Tenant(release, session.connect(release), installer, notes, since)


@pytest.fixture(scope="session")
def release(tenant: Tenant) -> Release:
    return tenant.release


@pytest.fixture(scope="session")
def virt(tenant: Tenant) -> Virtual:
    return tenant.virt


@pytest.fixture(scope="session")
def generous(session: Session, tenant: Tenant) -> Release:
    """A release with more than the defaults; the shared one is there before, installed alone."""
    assert tenant
    release = session.release("generous", session.namespace("generous", BASELINE))
    release.install(GENEROUS)
    release.wait_coredns()
    return release


@pytest.fixture(scope="session")
def inside(session: Session, generous: Release) -> Virtual:
    """The inside of `generous`."""
    return session.connect(generous)


@pytest.fixture(scope="session")
def aging(inside: Virtual) -> Aging:
    """Not in the shared installation, whose rest is watched."""
    token = {"path": "token", "expirationSeconds": 600, "audience": "vault"}
    volume = {"name": "t", "projected": {"sources": [{"serviceAccountToken": token}]}}
    idle = manifests.idle(volumeMounts=[{"name": "t", "mountPath": "/t"}])
    new_namespace(inside, "aging")
    inside.api.create(manifests.pod("aging", "aging", idle, volumes=[volume]))
    since = time.monotonic()
    (pod,) = wait_ready(inside, "aging", "aging")
    return Aging(pod, execute(inside, "aging", "aging", "cat", "/t/token"), since)


@pytest.fixture(scope="session")
def resting(tenant: Tenant, session: Session) -> Window:
    """A window of rest of the shared installation, open from whoever asks for it first."""
    session.rests = True
    return Window(tenant.release, tenant.virt, session.audit)


@pytest.fixture(scope="module")
def space(virt: Virtual, session: Session, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the virtual cluster for the tests of one file."""
    assert not session.rests, "the shared installation's rest is watched: see ORDER"
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    yield new_namespace(virt, name)
    virt.api.delete("Namespace", name)


@pytest.fixture(scope="session")
def nodes(host: Side) -> list[str]:
    """The names of the host's nodes that take pods."""
    return [
        node["metadata"]["name"]
        for node in host.api.all("Node")
        if not node["spec"].get("taints") and not node["spec"].get("unschedulable")
    ]


@pytest.fixture
def no_default_class(host: Side) -> Iterator[None]:
    """Nobody installs anything else meanwhile: this is the whole host's setting."""
    classes = [
        each["metadata"]["name"]
        for each in host.api.all("StorageClass")
        if (each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    for name in classes:
        change = {"metadata": {"annotations": {DEFAULT_CLASS: "false"}}}
        host.api.patch("StorageClass", name, "", change)
    yield
    for name in classes:
        change = {"metadata": {"annotations": {DEFAULT_CLASS: "true"}}}
        host.api.patch("StorageClass", name, "", change)
