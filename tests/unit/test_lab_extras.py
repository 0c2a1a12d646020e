"""The lab's optional add-ons: what is written about them can be applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.cache import Cache
from lab.extras import EXTRAS, manifests
from lab.paths import LAB_SOURCE
from lab.progress import Progress
from lab.prometheus import definitions
from tests.e2e import extras as needed

KINDS_ONLY = {"prometheus-operator"}
"""Extras of which nothing runs."""
OF_DEBIAN = {"databases", "registry"}
"""Extras that are packages, and no Go module."""
VALUES = {
    "DATABASES_IMAGE": "databases:12",
    "KUBE_ROUTER_IMAGE": "kube-router:v2",
    "KWOK_IMAGE": "kwok:v0",
    "METRICS_SERVER_IMAGE": "metrics-server:v0",
    "NODE_1": "198.18.0.11",
    "OPEN_PORT": "5000",
    "OPEN_REGISTRY": "open.registry.test",
    "PRIVATE_PORT": "5001",
    "PRIVATE_REGISTRY": "private.registry.test",
    "REGISTRY_IMAGE": "registry:2",
    "SERVICE_CIDR": "10.96.0.0/16",
    "TRAEFIK_IMAGE": "traefik:v1",
}


@pytest.mark.parametrize("name", sorted(EXTRAS.keys() - KINDS_ONLY))
def test_manifests_are_whole(name: str) -> None:
    """Every object has a kind and a name, and no placeholder is left."""
    objects = manifests(name, VALUES, "")
    assert objects
    for obj in objects:
        assert obj["apiVersion"]
        assert obj["metadata"]["name"]
        assert not re.search(r"\$\{", str(obj))


@pytest.mark.parametrize("name", sorted(EXTRAS.keys() - KINDS_ONLY))
def test_pins_and_images_are_there(name: str, tmp_path: Path) -> None:
    """Each extra's module is pinned, and its images are built of something."""
    recipes = EXTRAS[name].images(Cache(Progress(), tmp_path))
    assert recipes
    assert all(recipe.key() and recipe.dockerfile.is_file() for recipe in recipes)
    assert (LAB_SOURCE / "go" / name / "go.sum").is_file() is (name not in OF_DEBIAN)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ((), set(needed.SIGNS)),
        (("tests/e2e",), set(needed.SIGNS)),
        (("tests/e2e/test_ingress.py::test_x",), {"traefik", "cert-manager"}),
        (("tests/e2e/test_pods.py",), set()),
    ],
)
def test_only_what_the_chosen_files_need_is_brought(
    files: tuple[str, ...], wanted: set[str]
) -> None:
    """A run of one file does not wait for what another one needs."""
    assert set(needed.of(files)) == wanted


def test_every_needed_extra_can_be_brought_and_recognised() -> None:
    """The three tables name the same extras."""
    assert {extra for extras in needed.REQUIRED.values() for extra in extras} <= set(EXTRAS)
    assert set(needed.SIGNS) <= set(EXTRAS)


def test_kinds_of_the_prometheus_operator_are_those_that_the_chart_makes() -> None:
    objects = manifests(
        "prometheus-operator", {}, "\n---\n".join(file.read_text() for file in definitions())
    )
    assert {obj["spec"]["names"]["kind"] for obj in objects} == {"PrometheusRule", "ServiceMonitor"}
    assert {obj["kind"] for obj in objects} == {"CustomResourceDefinition"}
