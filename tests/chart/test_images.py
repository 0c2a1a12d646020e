"""The images that docs/how-to/air-gap.md lists are those that the chart and its presets name.

Needs `helm` on PATH (`scripts/lab tools` says where the lab's is).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncer.translate.images import PACKAGED
from tools.rendering import CHART, template

PAGE = (Path(__file__).parents[2] / "docs/how-to/air-gap.md").read_text()
PRESETS = sorted(path.stem for path in (CHART / "values").iterdir())


def _images(value: Any) -> Iterator[str]:
    """Every image in a document: of pods, and in the arguments of the syncer."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "image" and isinstance(each, str):
                yield each
            else:
                yield from _images(each)
    elif isinstance(value, list):
        for each in value:
            yield from _images(each)
    elif isinstance(value, str) and (found := re.match(r"--[a-z-]*image=(.+)", value)):
        yield found[1]


@pytest.mark.parametrize("minor", PRESETS)
def test_every_image_of_a_preset_is_listed(minor: str) -> None:
    found = set(_images(template(f"v{minor}.4")))
    (k3s,) = (each for each in found if "/k3s:" in each)
    assert f"| {minor} | `{k3s}` |" in PAGE
    assert [each for each in found - {k3s} if f"| `{each}` |" not in PAGE] == []


@pytest.mark.parametrize("minor", PRESETS)
def test_a_mirror_has_every_image_of_a_preset(minor: str) -> None:
    plain = set(_images(template(f"v{minor}.4")))
    mirrored = set(_images(template(f"v{minor}.4", "--set=global.imageRegistry=mirror.example/x")))
    assert mirrored == {f"mirror.example/x/{each}" for each in plain}


def test_only_presets_are_listed() -> None:
    assert re.findall(r"^\| ([0-9.]+) \| `rancher/k3s:", PAGE, re.MULTILINE) == PRESETS


@pytest.mark.parametrize("name", PACKAGED)
def test_every_name_of_coredns_is_listed(name: str) -> None:
    assert f"`{name.removesuffix(':')}`" in PAGE
