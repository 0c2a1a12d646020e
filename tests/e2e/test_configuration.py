"""ConfigMaps and Secrets: only those that a pod uses are on the host, and they follow changes."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.pods import execute, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import Pending, until

FOLLOW = 120.0  # a kubelet looks every minute, the lab's more often


@pytest.fixture(scope="module")
def reader(virt: Virtual, space: str) -> str:
    """A pod that has a ConfigMap and a Secret in its environment and in volumes."""
    virt.api.create(
        manifests.config_map("settings", space, colour="red"),
        manifests.secret("password", space, word="sesame"),
        manifests.config_map("unused", space, nobody="reads this"),
    )
    mounts = [{"name": each, "mountPath": f"/{each}"} for each in ("settings", "password", "all")]
    word = {"secretKeyRef": {"name": "password", "key": "word"}}
    virt.api.create(
        manifests.pod(
            "reader",
            space,
            manifests.idle(
                env=[{"name": "WORD", "valueFrom": word}],
                envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "SET_"}],
                volumeMounts=mounts,
            ),
            volumes=[
                {"name": "settings", "configMap": {"name": "settings"}},
                {"name": "password", "secret": {"secretName": "password"}},
                {
                    "name": "all",
                    "projected": {
                        "sources": [
                            {"configMap": {"name": "settings"}},
                            {"secret": {"name": "password"}},
                            {"configMap": {"name": "missing", "optional": True}},
                        ]
                    },
                },
            ],
        )
    )
    wait_ready(virt, space, "reader")
    return "reader"


def test_values_are_in_the_environment(virt: Virtual, space: str, reader: str) -> None:
    env = execute(virt, space, reader, "env").splitlines()
    assert "WORD=sesame" in env
    assert "SET_colour=red" in env


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/settings/colour", "red"),
        ("/password/word", "sesame"),
        ("/all/colour", "red"),
        ("/all/word", "sesame"),
    ],
)
def test_values_are_in_volumes(
    virt: Virtual, space: str, reader: str, path: str, value: str
) -> None:
    assert execute(virt, space, reader, "cat", path) == value


def test_what_no_pod_uses_is_not_on_the_host(
    virt: Virtual, release: Release, space: str, reader: str
) -> None:
    assert reader
    assert virt.api.find("ConfigMap", "unused", space)
    names = {
        each["metadata"]["name"] for each in release.host.api.all("ConfigMap", release.namespace)
    }
    assert f"settings-x-{space}-x-{release.name}" in names
    assert f"unused-x-{space}-x-{release.name}" not in names


def test_an_edit_reaches_the_volume_of_a_running_pod(
    virt: Virtual, space: str, reader: str
) -> None:
    before = virt.api.get("Pod", reader, space)["metadata"]["uid"]
    virt.api.patch("ConfigMap", "settings", space, {"data": {"colour": "blue", "shape": "round"}})
    virt.api.patch("Secret", "password", space, {"stringData": {"word": "open"}})
    wanted = {
        "/settings/colour": "blue",
        "/settings/shape": "round",
        "/all/colour": "blue",
        "/password/word": "open",
    }

    def arrived() -> bool:
        for path, value in wanted.items():
            said = execute(virt, space, reader, "sh", "-c", f"cat {path} || true")
            if said != value:
                raise Pending(f"{path}: {said!r}")
        return True

    until("the edits are in the volumes", arrived, FOLLOW)
    assert virt.api.get("Pod", reader, space)["metadata"]["uid"] == before


def test_a_pod_waits_for_a_config_map_that_comes_later(virt: Virtual, space: str) -> None:
    virt.api.create(
        manifests.pod("early", space, manifests.idle(envFrom=[{"configMapRef": {"name": "late"}}]))
    )

    def says_so() -> bool:
        pod = virt.api.get("Pod", "early", space)
        for each in pod["status"].get("containerStatuses") or ():
            if (each["state"].get("waiting") or {}).get("reason") == "CreateContainerConfigError":
                return True
        raise Pending(str(pod["status"]))

    until("the pod says that its ConfigMap is missing", says_so, 60)
    virt.api.create(manifests.config_map("late", space, arrived="yes"))
    wait_ready(virt, space, "early")
    assert "arrived=yes" in execute(virt, space, "early", "env").splitlines()


def test_the_twin_goes_when_the_last_pod_that_used_it_goes(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(
        manifests.config_map("brief", space, key="value"),
        manifests.pod("user", space, manifests.idle(envFrom=[{"configMapRef": {"name": "brief"}}])),
    )
    wait_ready(virt, space, "user")
    twin = f"brief-x-{space}-x-{release.name}"
    api, namespace = release.host.api, release.namespace
    assert api.find("ConfigMap", twin, namespace)
    virt.api.delete("Pod", "user", space)
    until("the twin is gone", lambda: api.find("ConfigMap", twin, namespace) is None, 60)
    assert virt.api.find("ConfigMap", "brief", space), "the tenant's own stays"
