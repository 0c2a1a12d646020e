"""Real k3s images of a directory are taken where their version is wanted, and said to be so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import archives, k3simages, realk3s
from lab.cache import Cache
from lab.errors import LabError
from lab.progress import Progress
from lab.realk3s import Real
from tests.unit.archived import archive, layer

WANTED = "rancher/k3s:v1.34.4-k3s1"
OLD = "rancher/k3s:v1.18.6-k3s1"
LAYERS = [layer({"bin/k3s": b"program"})]


def real(tag: str) -> Real:
    return Real(f"rancher/k3s:{tag}", Path(f"{tag}.tar"))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([], None),
        (["v1.18.6-k3s1"], None),
        (["v1.34.4-k3s1"], "v1.34.4-k3s1"),
        (["v1.34.9-k3s1", "v1.34.4-k3s1"], "v1.34.4-k3s1"),
        (["v1.34.8-k3s1", "v1.34.10-k3s1", "v1.34.10-k3s2"], "v1.34.10-k3s2"),
        (["v1.3.4-k3s1"], None),
    ],
)
def test_the_very_release_is_taken_else_the_newest_of_the_minor(
    given: Sequence[str], taken: str | None
) -> None:
    found = realk3s.instead_of(WANTED, map(real, given))
    assert (found and found.tag) == (taken and f"rancher/k3s:{taken}")


def test_what_is_not_as_presets_have_it_is_said() -> None:
    given = map(real, ["v1.34.4-k3s1", "v1.18.7-k3s1", "v1.25.3-k3s1", "v1.34.8-k3s1"])
    ignored = "which no preset asks for: ignored"
    lines = realk3s.remarks([OLD, WANTED], given)
    assert [line.partition(".tar has rancher/k3s:")[2] for line in lines] == [
        f"v1.18.7-k3s1, taken for {OLD}",
        f"v1.25.3-k3s1, {ignored}",
        f"v1.34.8-k3s1, {ignored}",
    ]


def test_archives_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    archive(tmp_path / "any-name.tar", (["mirror.test/" + OLD], LAYERS))
    archive(tmp_path / "v1.34.4.tar", (["rancher/mirrored-pause:3.6"], LAYERS))
    (tmp_path / "notes.txt").write_text("no archive")
    (found,) = realk3s.in_directory(tmp_path)
    assert (found.tag, found.version, found.minor) == (OLD, "v1.18.6+k3s1", "1.18")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"VC_K3S_ARCHIVES=\S+/none is no directory"):
        realk3s.in_directory(tmp_path / "none")


def test_its_image_has_the_name_that_is_wanted_and_no_stand_in_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "given"
    directory.mkdir()
    archive(directory / "a.tar", ([OLD.replace("8.6", "8.7")], LAYERS))
    monkeypatch.setenv(realk3s.VARIABLE, str(directory))
    image = k3simages.image(Cache(Progress(), tmp_path / "cache"), "1.18")
    assert image.tag == OLD
    assert archives.is_named(archives.names(image.archive)[0], OLD)
    assert k3simages.made_on("1.18") == "k3s 1.18: real v1.18.7+k3s1"
    assert k3simages.made_on("1.34") == "k3s 1.34: stand-in"


def test_without_a_directory_all_are_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(realk3s.VARIABLE, raising=False)
    assert realk3s.given() == ()
    assert k3simages.remarks() == []
