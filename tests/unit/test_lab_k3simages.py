"""The images of virtual clusters: a stand-in and a CoreDNS for each of the chart's presets."""

from __future__ import annotations

import re

import pytest

from lab import gobuild
from lab.errors import LabError
from lab.k3simages import PRESETS, tag
from lab.paths import LAB_SOURCE
from lab.versions import COREDNS_TAGS

MINORS = sorted(path.stem for path in PRESETS.glob("*.yaml"))
FAMILY = (LAB_SOURCE / "k3s" / "internal" / "family" / "family.go").read_text()


@pytest.mark.parametrize("minor", MINORS)
def test_the_image_is_that_of_the_preset(minor: str) -> None:
    assert re.fullmatch(rf"rancher/k3s:v{re.escape(minor)}\.\d+-k3s\d", tag(minor))


@pytest.mark.parametrize("minor", MINORS)
def test_coredns_has_the_name_that_the_stand_in_gives_it(minor: str) -> None:
    number = minor.partition(".")[2]
    rows = [line for line in FAMILY.splitlines() if re.search(rf"(\(|Minor: ){number},", line)]
    assert len(rows) == 1
    assert f'"{COREDNS_TAGS[minor]}"' in rows[0]


@pytest.mark.parametrize(
    ("minor", "want"),
    [("1.16", "v1.6.9"), ("1.20", "v1.6.9"), ("1.21", "v1.12.4"), ("1.37", "v1.12.4")],
)
def test_coredns_can_read_the_endpoints_of_its_minor(minor: str, want: str) -> None:
    assert gobuild.coredns(minor).version == want


def test_a_minor_without_a_preset_is_named() -> None:
    with pytest.raises(LabError, match=r"no preset for k3s 1\.25; known: 1\.16, 1\.17"):
        tag("1.25")
