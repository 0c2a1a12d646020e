"""Images that are pulled: the control plane's and the tenants', with credentials and without.

Every image has a path that no node has seen: what is in a node's store needs no registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.e2e import extras, manifests
from tests.e2e.cluster import Obj
from tests.e2e.imageregistry import Registry
from tests.e2e.pods import new_namespace, wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, brief, until

SPACE = "images"
PULL = 120.0  # seconds: three attempts of a kubelet, which waits 10 and 20 between them


@pytest.fixture(scope="module", autouse=True)
def _extras(host: Side) -> None:
    extras.demand(host, *extras.REQUIRED["test_images.py"])


@pytest.fixture(scope="module")
def registry(host: Side) -> Registry:
    return Registry.of(host)


@pytest.fixture(scope="module")
def path(session: Session) -> str:
    """What the paths of this run begin with."""
    return session.prefix


@pytest.fixture(scope="module")
def mirrored(session: Session, registry: Registry, path: str) -> Release:
    """A release whose images all come from the private door, with a Secret of the operator's."""
    registry.stock(f"{path}/hub")
    release = session.release("mirrored", session.namespace("mirrored"))
    session.host.api.create(registry.secret("pull", release.namespace))
    values: Obj = {
        "global": {"imageRegistry": f"{registry.private}/{path}/hub"},
        "imagePullSecrets": [{"name": "pull"}],
    }
    _demand_stock(registry, release, values)
    release.install(values)
    release.wait_coredns()
    return release


@pytest.fixture(scope="module")
def virt(session: Session, mirrored: Release) -> Iterator[Virtual]:
    """The inside of it, with a namespace for the tests here."""
    inside = session.connect(mirrored)
    new_namespace(inside, SPACE)
    yield inside
    inside.api.delete("Namespace", SPACE)


def _demand_stock(registry: Registry, release: Release, values: Obj) -> None:
    """Skip where the run is told to use images that nobody pushed."""
    for image in _images(release, values):
        if not registry.has(image.partition("/")[2]):
            pytest.skip(f"the registry has no {image}: scripts/lab extra registry pushes the lab's")


def _images(release: Release, values: Obj) -> set[str]:
    rendered = yaml.safe_load_all(release.template(values, hooks=True))
    pods = [
        each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
        for each in rendered
        if each and each["kind"] in ("Pod", "StatefulSet")
    ]
    return {image for pod in pods for image in _of(pod)}


def _of(spec: Obj) -> list[str]:
    return [each["image"] for each in (*(spec.get("initContainers") or ()), *spec["containers"])]


def _about(side: Side, namespace: str, pod: str) -> list[str]:
    events = side.api.all("Event", namespace)
    return [
        f"{each['reason']}: {each['message']}"
        for each in events
        if each["involvedObject"]["name"] == pod
    ]


def _waits_for_image(side: Side, namespace: str, pod: str) -> str:
    """Return what a pod whose image cannot be had says, once it says that it waits for it."""

    def says() -> str:
        found = side.api.find("Pod", pod, namespace)
        for each in (found or {}).get("status", {}).get("containerStatuses") or ():
            waiting = each["state"].get("waiting") or {}
            if waiting.get("reason") == "ImagePullBackOff":
                return str(waiting["message"])
        raise Pending(brief(found) if found else "not there")

    return until(f"{pod} says that its image cannot be had", says, PULL)


def _pod(name: str, image: str, **spec: Any) -> Obj:
    container = manifests.container(image, manifests.IDLE)
    return manifests.pod(name, SPACE, container, **spec)


# --- the chart's own images


def test_every_image_of_the_release_comes_from_the_mirror(
    registry: Registry, mirrored: Release, virt: Virtual, path: str
) -> None:
    """Also of a pod with a subdomain, which has an init container of ours."""
    hub = f"{registry.private}/{path}/hub/"
    stateful = _pod("with-subdomain", f"{hub}busybox:1.36", subdomain="web")
    virt.api.create(stateful)
    wait_ready(virt, SPACE, "with-subdomain")
    pods = mirrored.host.api.all("Pod", mirrored.namespace)
    seen = {image for pod in pods for image in _of(pod["spec"])}
    assert {each.partition(":")[0].rpartition("/")[2] for each in seen} >= {"k3s", "syncer"}
    assert any("coredns" in each for each in seen)
    assert [each for each in seen if not each.startswith(hub)] == []
    # The check before the installation is gone; what it pulled stands in the events.
    pulls = [
        each
        for each in mirrored.host.api.all("Event", mirrored.namespace)
        if each["reason"] == "Pulling"
    ]
    assert f"{mirrored.name}-preflight" in {each["involvedObject"]["name"] for each in pulls}
    assert [each["message"] for each in pulls if f'"{hub}' not in each["message"]] == []
    for image in seen:
        registry.wait_pulled(registry.private, image.partition("/")[2])


def test_without_a_secret_the_control_plane_says_which_image_it_lacks(
    session: Session, registry: Registry, path: str
) -> None:
    hub = f"{registry.private}/{path}/locked"
    registry.stock(f"{path}/locked")
    release = session.release("locked", session.namespace("locked"))
    release.start({"global": {"imageRegistry": hub}, "preflight": {"enabled": False}})

    def says() -> str:
        events = _about(release.host, release.namespace, release.pod)
        return "\n".join(each for each in events if each.startswith("Failed: Failed to pull image"))

    said = until("an event says why", says, PULL)
    assert f'"{hub}/' in said
    session.uninstall(release)


def test_no_secret_is_needed_where_the_mirror_asks_for_none(
    session: Session, registry: Registry, path: str
) -> None:
    registry.stock(f"{path}/free")
    hub = f"{registry.open}/{path}/free"
    release = session.release("free", session.namespace("free"))
    values: Obj = {"global": {"imageRegistry": hub}}
    _demand_stock(registry, release, values)
    release.install(values)
    release.wait_coredns()
    pods = release.host.api.all("Pod", release.namespace)
    assert [image for pod in pods for image in _of(pod["spec"]) if not image.startswith(hub)] == []
    assert not any(pod["spec"].get("imagePullSecrets") for pod in pods)
    for image in (image for pod in pods for image in _of(pod["spec"])):
        registry.wait_pulled(registry.open, image.partition("/")[2])
    session.uninstall(release)


# --- the tenants'


@pytest.fixture(scope="module")
def secrets(registry: Registry, virt: Virtual) -> Virtual:
    """The virtual cluster with a right and a wrong Secret, and an account with the right one."""
    virt.api.create(
        registry.secret("right", SPACE),
        registry.secret("wrong", SPACE, "another password"),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": manifests.meta("puller", SPACE),
            "imagePullSecrets": [{"name": "right"}],
        },
    )
    return virt


@pytest.mark.parametrize(
    ("name", "door", "spec"),
    [
        ("open", "open", {}),
        ("own-secret", "private", {"imagePullSecrets": [{"name": "right"}]}),
        ("of-account", "private", {"serviceAccountName": "puller"}),
        (
            "right-among-wrong",
            "private",
            {"imagePullSecrets": [{"name": "wrong"}, {"name": "right"}]},
        ),
        # Beside the operator's, with which our init container is pulled.
        ("beside", "private", {"imagePullSecrets": [{"name": "right"}], "subdomain": "web"}),
    ],
)
def test_a_tenants_image_is_pulled(
    secrets: Virtual, registry: Registry, path: str, name: str, door: str, spec: Obj
) -> None:
    prefix = str(getattr(registry, door))
    image = registry.add(f"{path}/{name}")
    secrets.api.create(_pod(name, f"{prefix}/{image}", **spec))
    (pod,) = wait_ready(secrets, SPACE, name)
    registry.wait_pulled(prefix, image)
    if "serviceAccountName" in spec:
        assert pod["spec"]["imagePullSecrets"] == [{"name": "right"}]


@pytest.fixture(scope="module")
def refused(secrets: Virtual, registry: Registry, path: str) -> dict[str, str]:
    """Pods whose images are refused, all at once, since a kubelet takes its time: their images."""
    given = {"none": [], "wrong": [{"name": "wrong"}], "late": [{"name": "late-secret"}]}
    images = {name: f"{registry.private}/{registry.add(f'{path}/{name}')}" for name in given}
    for name, image in images.items():
        secrets.api.create(_pod(name, image, imagePullSecrets=given[name]))
    return images


@pytest.mark.parametrize("name", ["none", "wrong"])
def test_a_tenants_image_that_is_refused_says_which_and_why(
    secrets: Virtual, refused: dict[str, str], name: str
) -> None:
    """The operator's Secret, which would open it, is none of this pod's business."""
    image = refused[name]
    assert f'"{image}"' in _waits_for_image(secrets, SPACE, name)

    def why() -> list[str]:
        return [each for each in _about(secrets, SPACE, name) if "Failed to pull image" in each]

    event = until("an event inside says why", why, 30)[0]
    assert f'"{image}"' in event
    assert "authorization failed" in event or "401 Unauthorized" in event


def test_a_secret_that_is_missing_is_named_and_its_coming_is_the_cure(
    secrets: Virtual, mirrored: Release, registry: Registry, refused: dict[str, str]
) -> None:
    assert "late" in refused

    def named() -> list[str]:
        return [each for each in _about(secrets, SPACE, "late") if "late-secret" in each]

    event = until("an event inside names the Secret", named, PULL)[0]
    assert mirrored.namespace not in event
    assert mirrored.name not in event
    secrets.api.create(registry.secret("late-secret", SPACE))
    wait_ready(secrets, SPACE, "late", seconds=PULL)
