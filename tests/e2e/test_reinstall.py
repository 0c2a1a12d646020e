"""`storage.keep`: an installation of the same name finds what the one before it left."""

from __future__ import annotations

import base64
import secrets
import time

import pytest

from tests.e2e import claims, manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import execute, new_namespace, wait_labelled, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.session import Session
from tests.e2e.sweep import Sweep
from tests.e2e.waiting import Pending, until

SPACE = "shop"
KEEP: Obj = {"storage": {"size": "1Gi", "keep": True}}
WITHIN = 60.0
KINDS = ("Namespace", "ConfigMap", "Secret", "Service", "ServiceAccount", "Deployment")


class Kept:
    """An installation that was used, and deleted."""

    def __init__(self, session: Session) -> None:
        self.session = session
        namespace = session.namespace("kept")
        self.sweep = Sweep(session.host.api, namespace)
        self.before = self.sweep.everything()
        self.release: Release = session.release("kept", namespace)
        self.release.install(KEEP)
        self.virt: Virtual = session.connect(self.release)
        self.bytes = base64.b64encode(secrets.token_bytes(200_000)).decode()
        self._fill()
        self.uids = self.known()
        claim = self.release.host.api.get(claims.CLAIM, f"{self.release.name}-data", namespace)
        self.stays = {claim["metadata"]["uid"]}
        volume = self.release.host.api.get(claims.VOLUME, claim["spec"]["volumeName"])
        self.stays.add(volume["metadata"]["uid"])
        session.uninstall(self.release)

    def _fill(self) -> None:
        new_namespace(self.virt, SPACE)
        settings = manifests.config_map("settings", SPACE, colour="red")
        settings["binaryData"] = {"noise": self.bytes}
        self.virt.api.create(
            settings,
            manifests.secret("password", SPACE, word="sesame"),
            manifests.service("web", SPACE),
            manifests.deployment("web", SPACE, 1, manifests.web()),
            claims.claim("data", SPACE),
            claims.user_of("data", SPACE),
        )
        wait_labelled(self.virt, SPACE, "app=web", 1)
        wait_ready(self.virt, SPACE, "uses-data")

    def known(self) -> dict[tuple[str, str, str], str]:
        """Return the UIDs of what a tenant has, by kind, namespace and name."""
        return {
            (kind, each["metadata"].get("namespace", ""), each["metadata"]["name"]): str(
                each["metadata"]["uid"]
            )
            for kind in KINDS
            for each in self.virt.api.all(kind)
        }

    def wait_left(self, uids: set[str]) -> None:
        """Wait until these objects, and no others, are there that were not before."""

        def same() -> bool:
            left = self.sweep.everything() - self.before
            if {each.uid for each in left} != uids:
                raise Pending(", ".join(sorted(map(str, left))) or "nothing")
            return True

        until("what goes is gone, and nothing else", same, WITHIN)


@pytest.fixture(scope="module")
def kept(session: Session) -> Kept:
    return Kept(session)


def test_nothing_but_the_volume_of_the_control_plane_is_left(kept: Kept) -> None:
    kept.wait_left(kept.stays)


def test_same_name_finds_all_of_it_again(kept: Kept) -> None:
    begun = time.monotonic()
    release = kept.release = kept.session.release("kept", kept.release.namespace)
    release.install(KEEP)
    kept.virt = kept.session.connect(release)
    took = time.monotonic() - begun
    kept.session.timings.notes.append(f"installed again on what was kept: {took:.1f} s")
    assert kept.known().items() >= kept.uids.items()
    found = kept.virt.api.get("ConfigMap", "settings", SPACE)
    assert found["binaryData"] == {"noise": kept.bytes}
    assert found["data"] == {"colour": "red"}
    # Its pod went with the installation; another one takes its place, and works.
    (pod,) = wait_labelled(kept.virt, SPACE, "app=web", 1)
    assert execute(kept.virt, SPACE, pod["metadata"]["name"], "echo", "here") == "here\n"


def test_claim_whose_volume_went_is_lost_and_never_an_empty_one(kept: Kept) -> None:
    """Volumes of workloads belong to the installation; that one is gone is said, and not hidden."""
    claims.event(kept.virt, SPACE, "data", "ClaimLost")
    claim = kept.virt.api.get(claims.CLAIM, "data", SPACE)
    assert claim["status"]["phase"] == "Lost"
    name = claims.twin(kept.release, SPACE, "data")
    assert kept.release.host.api.find(claims.CLAIM, name, kept.release.namespace) is None


def test_nothing_is_left_when_it_is_no_longer_to_be_kept(kept: Kept) -> None:
    kept.release.upgrade({"storage": {**KEEP["storage"], "keep": False}})
    kept.session.uninstall(kept.release)
    kept.wait_left(set())
