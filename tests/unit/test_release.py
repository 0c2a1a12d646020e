"""A release: one version everywhere, and a changelog that speaks of it."""

from __future__ import annotations

import re

import pytest

from lab.errors import LabError
from tools import release

TEXT = """# Changelog

## [Unreleased]

### Added
- later

## [0.2.0] - 2026-01-02

### Fixed
- this

## 0.1.0 - 2026-01-01
- first

[0.2.0]: https://example.com/0.2.0
"""


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("Unreleased", "### Added\n- later"),
        ("0.2.0", "### Fixed\n- this"),
        ("0.1.0", "- first"),
    ],
)
def test_notes_are_the_section_of_the_version(version: str, says: str) -> None:
    assert release.section(TEXT, version) == says


@pytest.mark.parametrize("version", ["0.3.0", "0.2", "0.1.0-rc.1"])
def test_a_version_without_a_section_is_no_release(version: str) -> None:
    with pytest.raises(LabError, match="says nothing of"):
        release.section(TEXT, version)


def test_an_empty_section_is_none() -> None:
    with pytest.raises(LabError, match="says nothing of 0"):
        release.section("## [0.1.0]\n\n## [0.0.1]\n- x\n", "0.1.0")


@pytest.mark.parametrize(
    ("version", "said", "trouble"),
    [
        ("0.1.0", {"chart": "0.1.0", "syncer": "0.1.0"}, ""),
        ("0.1.0", {"chart": "0.1.0", "syncer": "0.2.0"}, "syncer says 0.2.0"),
        ("0.3.0", {"chart": "0.1.0"}, "not a release of 0.3.0: chart says 0.1.0"),
        ("v0.1.0", {"chart": "v0.1.0"}, "is no version"),
        ("0.1", {"chart": "0.1"}, "is no version"),
        ("1.0.0-rc.1", {"chart": "1.0.0-rc.1"}, ""),
    ],
)
def test_all_must_have_the_version(version: str, said: dict[str, str], trouble: str) -> None:
    if not trouble:
        release.check(version, said)
        return
    with pytest.raises(LabError, match=re.escape(trouble)):
        release.check(version, said)


def test_all_that_carries_a_version_has_the_same() -> None:
    assert len(set(release.versions().values())) == 1


def test_the_projects_changelog_has_notes_for_what_is_next() -> None:
    text = release.CHANGELOG.read_text()
    assert release.notes("Unreleased", text).startswith("### ")
    assert "Verify" not in release.notes("Unreleased", text)
    assert "refs/tags/v0.2.0" in release.notes("0.2.0", TEXT)
